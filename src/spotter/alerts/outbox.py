"""Send what was decided: claim, send, mark; at least once, never zero times."""

from __future__ import annotations

import collections
import concurrent.futures
import functools
import logging
import random
import traceback
from collections.abc import Callable, Mapping, Sequence

from spotter.alerts.book import MAX_ERROR, Book, Page
from spotter.alerts.bucket import Bucket
from spotter.alerts.records import FAILED, PENDING, SENT, SHUT_SECONDS, Delivery
from spotter.channels import Channel, DeliveryError, Notice
from spotter.channels.channel import without_secrets
from spotter.channels.deadline import Deadline
from spotter.rescue import ignore, rescue

logger = logging.getLogger("spotter.alerts")

#: How long a claimed message is nobody else's: longer than any channel may take.
LEASE_SECONDS = 60.0
FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS = 5.0, 300.0
#: How long, and how often, delivery is tried: a machine that slept for a day, or a
#: message that waited for its turn, has tried nothing yet.
GIVE_UP_SECONDS, GIVE_UP_TRIES = 24 * 3600.0, 10
#: Messages of a channel in one go, and in one digest.
AT_ONCE, IN_DIGEST = 50, 50
Outcome = tuple[Delivery, DeliveryError | None]
Clock = Callable[[], float]


class Outbox:
    """
    Sends from a book through channels.

    Each channel has a thread of its own, so that one that hangs holds up no other, and
    takes one message at a time, so that a lease is for one message.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.channels: Mapping[str, Channel] = {each.name: each for each in channels}
        self._buckets = {each.name: Bucket(*each.rate) for each in channels}
        self._deadlines = {each.name: Deadline() for each in channels}
        self._pool = concurrent.futures.ThreadPoolExecutor(
            len(channels) + 1, thread_name_prefix="spotter-send"
        )
        self._busy: dict[str, concurrent.futures.Future[list[Outcome]]] = {}
        # What was sent while its mark could not be written: not to be sent again.
        self._sent: collections.OrderedDict[str, None] = collections.OrderedDict()

    def deliver(self, book: Book, now: float) -> list[Outcome]:
        """Send all that is due, wait for it, and give what became of each."""
        begun = self.start(book, lambda: now)
        return [outcome for each in begun for outcome in each.result()]

    def start(
        self, book: Book, clock: Clock
    ) -> list[concurrent.futures.Future[list[Outcome]]]:
        """Begin to send what is due, where nothing is being sent already."""
        begun = []
        for name in self._open_channels(book, clock()):
            running = self._busy.get(name)
            if running is None or running.done():
                begun.append(self._pool.submit(self._quietly, book, name, clock))
                self._busy[name] = begun[-1]
        return begun

    def _open_channels(self, book: Book, now: float) -> list[str]:
        """Channels with something to send; one that was shut and changed is opened."""
        with book.reading() as page:
            due, shut = page.due_channels(now), page.shut_channels()
        if not shut:
            return due
        settings = {name: each.fingerprint for name, each in self.channels.items()}
        changed = [n for n, each in shut.items() if settings.get(n) != each.settings]
        if changed:
            with book.writing() as page:
                for name in changed:
                    page.open_again(name, now)
                due = page.due_channels(now)
        closed = {n for n, each in shut.items() if each.holds(settings.get(n, ""), now)}
        return [name for name in due if name not in closed]

    def _quietly(self, book: Book, name: str, clock: Clock) -> list[Outcome]:
        outcomes: list[Outcome] = []
        # A thread knows nothing of what its caller ignores.
        with ignore(), rescue(f"deliver to {name}"):
            for _ in range(AT_ONCE):
                batch = self._claim(book, name, clock())
                if not batch:
                    break
                error = self._send(name, batch)
                self._mark(book, name, batch, error, clock())
                outcomes += [(each, error) for each in batch]
                if error is not None and (error.shut or not error.permanent):
                    break
        return outcomes

    def _claim(self, book: Book, name: str, now: float) -> list[Delivery]:
        """The next message, or several as a digest when the rate allows one more only."""
        channel, bucket = self.channels.get(name), self._buckets.get(name)
        left = 2 if bucket is None else bucket.tokens(now)
        if left < 1:
            return []
        is_digest = channel is not None and channel.digests and left == 1
        with book.writing() as page:
            batch = page.claim(now, LEASE_SECONDS, name, IN_DIGEST if is_digest else 1)
        if batch and bucket is not None:
            bucket.take(now)
        return batch

    def _send(self, name: str, batch: Sequence[Delivery]) -> DeliveryError | None:
        """Send; whatever a channel raises is a failure of the channel's."""
        channel = self.channels.get(name)
        if channel is None:
            return DeliveryError("there is no such channel any more", permanent=True)
        unsent = [each for each in batch if identity(each) not in self._sent]
        notices = [Notice.of(each.notice) for each in unsent]
        try:
            self._deadlines[name].run(functools.partial(send_by, channel, notices))
        except DeliveryError as error:
            return error
        for each in unsent:
            self._remember(each)
        return None

    def _remember(self, delivery: Delivery) -> None:
        self._sent[identity(delivery)] = None
        while len(self._sent) > 1000:
            self._sent.popitem(last=False)

    def _mark(
        self,
        book: Book,
        name: str,
        batch: Sequence[Delivery],
        error: DeliveryError | None,
        now: float,
    ) -> None:
        """Write down what became of them, and when they are tried again."""
        bucket, channel = self._buckets.get(name), self.channels.get(name)
        if error is not None and error.retry_after and bucket is not None:
            # Who goes on after "too many" may be shut out for good.
            bucket.close(now, error.retry_after)
        reason = "" if error is None else str(error)
        if channel is not None:
            reason = without_secrets(channel, reason)
        with book.writing() as page:
            for each in batch:
                if error is None:
                    self._sent_of(page, each, len(batch), now)
                else:
                    self._failure_of(page, each, error, reason, now)
            if error is None and page.open_again(name, now):
                logger.info("the channel %s works again", name)
            if error is not None and error.shut and channel is not None:
                page.shut(name, channel.fingerprint, reason, now)

    def _sent_of(self, page: Page, delivery: Delivery, count: int, now: float) -> None:
        page.mark(delivery.id, SENT, now)
        digest = f" in a digest of {count}" if count > 1 else ""
        text = f"{delivery.channel}: {delivery.kind}{digest}"
        page.note(delivery.incident, now, "sent", text)

    def _failure_of(
        self,
        page: Page,
        delivery: Delivery,
        error: DeliveryError,
        reason: str,
        now: float,
    ) -> None:
        state, due, then = verdict(delivery, error, now)
        notice = {**delivery.notice, "told": list(error.told)} if error.told else None
        page.mark(delivery.id, state, now, error=reason, due_at=due, notice=notice)
        what = f"{delivery.channel}: {delivery.kind}"
        how = "sent to some" if state == SENT else "not sent"
        # Not of each of the hundreds of tries that a receiver's outage takes.
        if state != PENDING or delivery.error != reason[:MAX_ERROR]:
            page.note(delivery.incident, now, how, f"{what}: {reason}; {then}")
        logger.warning("%s %s (%s): %s", what, how, then, reason)

    def close(self) -> None:
        """Wait for what is being sent."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def send_by(channel: Channel, notices: Sequence[Notice]) -> None:
    """Send one, or several as a digest; whatever is raised is a DeliveryError."""
    try:
        if len(notices) == 1:
            channel.send(notices[0])
        elif notices:
            channel.send_digest(notices)
    except DeliveryError:
        raise
    except Exception as error:
        # A library's message may hold the address that is the secret.
        text = without_secrets(channel, traceback.format_exc())
        logger.error("the channel %s failed:\n%s", channel.name, text)  # noqa: TRY400
        raise DeliveryError(f"the channel failed: {type(error).__name__}") from error


def verdict(
    delivery: Delivery, error: DeliveryError, now: float
) -> tuple[str, float, str]:
    """What a failure makes of a message: its state, when it is tried again, in words."""
    is_old = now - delivery.created_at > GIVE_UP_SECONDS
    if is_old and delivery.attempts >= GIVE_UP_TRIES:
        return FAILED, now, "given up after a day"
    if error.shut:
        return PENDING, now + SHUT_SECONDS, "kept, the channel is shut"
    if error.permanent and error.told:
        return SENT, now, "the rest is given up"
    if error.permanent:
        return FAILED, now, "given up"
    seconds = wait(delivery.attempts, error.retry_after)
    return PENDING, now + seconds, f"again in {seconds:.0f} s"


def identity(delivery: Delivery) -> str:
    """The same in the store's book and in its spare copy."""
    return f"{delivery.key}@{delivery.created_at}"


def wait(attempts: int, retry_after: float | None) -> float:
    """
    Seconds until the next try: what the receiver asks for, else doubling, jittered.

    Full jitter above half, so that many messages do not come back together.
    """
    if retry_after is not None:
        return max(1.0, retry_after)
    longest: float = min(
        MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(attempts - 1, 10)
    )
    return random.uniform(longest / 2, longest)  # noqa: S311 (jitter, no secret)
