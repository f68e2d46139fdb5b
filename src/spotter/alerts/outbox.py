"""Send what was decided: claim, send, mark; at least once, never zero times."""

from __future__ import annotations

import concurrent.futures
import logging
import random
from collections.abc import Mapping, Sequence

from spotter.alerts.book import FAILED, PENDING, SENT, Book, Delivery
from spotter.channels import Channel, DeliveryError, Notice
from spotter.privacy import scrub_text

logger = logging.getLogger("spotter.alerts")

#: How long a claimed message is nobody else's: longer than any channel may take.
LEASE_SECONDS = 60.0
FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS = 5.0, 300.0
#: How long the end of an incident is worth telling.
GIVE_UP_SECONDS = 24 * 3600.0
Outcome = tuple[Delivery, DeliveryError | None]


class Outbox:
    """Sends from a book through channels, several at a time."""

    def __init__(self, channels: Sequence[Channel], threads: int = 4) -> None:
        self.channels: Mapping[str, Channel] = {each.name: each for each in channels}
        self._pool = concurrent.futures.ThreadPoolExecutor(
            threads, thread_name_prefix="spotter-send"
        )

    def deliver(self, book: Book, now: float) -> list[Outcome]:
        """Send all that is due and give what became of each."""
        with book.writing() as page:
            claimed = page.claim(now, LEASE_SECONDS)
        sending = {self._pool.submit(self.send, each): each for each in claimed}
        outcomes = []
        for future in concurrent.futures.as_completed(sending):
            delivery, error = sending[future], future.result()
            self.mark(book, delivery, error, now)
            outcomes.append((delivery, error))
        return outcomes

    def send(self, delivery: Delivery) -> DeliveryError | None:
        """Send one message; whatever a channel raises is a failure of the channel's."""
        channel = self.channels.get(delivery.channel)
        if channel is None:
            return DeliveryError("there is no such channel any more", permanent=True)
        try:
            channel.send(Notice.of(delivery.notice))
        except DeliveryError as error:
            return error
        except Exception as error:
            logger.exception("the channel %s failed", channel.name)
            return DeliveryError(f"the channel failed: {type(error).__name__}")
        return None

    def mark(
        self, book: Book, delivery: Delivery, error: DeliveryError | None, now: float
    ) -> None:
        """Write down what became of it, and when it is tried again."""
        with book.writing() as page:
            what = f"{delivery.channel}: {delivery.kind}"
            if error is None:
                page.mark(delivery.id, SENT, now)
                page.note(delivery.incident, now, "sent", f"{what} sent")
                return
            reason = scrub_text(str(error))
            is_over = error.permanent or now - delivery.created_at > GIVE_UP_SECONDS
            due = now + wait(delivery.attempts, error.retry_after)
            page.mark(
                delivery.id,
                FAILED if is_over else PENDING,
                now,
                error=reason,
                due_at=due,
            )
            again = "given up" if is_over else f"again in {due - now:.0f} s"
            page.note(
                delivery.incident,
                now,
                "not sent",
                f"{what} not sent: {reason}; {again}",
            )
        logger.warning("%s not sent (%s): %s", what, again, reason)

    def close(self) -> None:
        """Wait for what is being sent."""
        self._pool.shutdown(wait=True, cancel_futures=True)


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
