"""Whether what watches works."""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Callable, Sequence

from spotter.alerts.book import Book
from spotter.alerts.expressions import (
    DAY,
    MINUTE,
    Asked,
    Increase,
    Reading,
    Reads,
    ask,
)
from spotter.alerts.records import FAILED, PENDING, SENT, Delivery
from spotter.alerts.rules import Rule, Severity
from spotter.stores.contract import StoreError

MEASURED, WATCHER = "process.memory.usage", "spotter.watcher.leading"
#: What is looked at in each evaluation, and once at the start.
RECENT_SECONDS, EVER_SECONDS = 10 * MINUTE, DAY
#: From when on nobody measures.
SILENT_SECONDS = 5 * MINUTE
#: From so many vain tries on a channel fails.
FAILING_TRIES = 3
#: A channel that refused for good is spoken of for so long, or until it takes another.
REFUSED_SECONDS = DAY
MAX_DELIVERIES = 500


def rules(book: Callable[[], Book]) -> list[Rule]:
    """Nobody measures, nobody hears, nothing is logged."""
    return [
        Rule(
            name="MonitoringNoData",
            expression=Silence(),
            threshold=SILENT_SECONDS,
            severity=Severity.CRITICAL,
            unit="seconds",
            summary="Monitoring is blind: {note}",
            because_of=("HealthCheckFailing",),
        ),
        Rule(
            name="NotificationChannelFailing",
            expression=Asked(lambda now: failing(book(), now)),
            threshold=FAILING_TRIES - 1,
            severity=Severity.CRITICAL,
            summary="Messages to {labels} are not delivered: {note}",
        ),
        Rule(
            name="LogLinesDropped",
            expression=Increase(
                name="spotter.logs.lost", window=15 * MINUTE, by=("file",)
            ),
            severity=Severity.WARNING,
            summary="{value} log lines of {labels} could not be written",
        ),
    ]


@dataclasses.dataclass(slots=True)
class Silence:
    """
    How long no process but the watcher has measured anything, in seconds.

    A process without traffic still measures itself: a quiet service is no silence, a
    dead one is. When somebody was heard of last is kept in mind, so that the age goes
    on growing when the store can't be read, and after what it says has been forgotten.

    The time before the watch began counts for nothing: after a night that the machine
    was off nobody is late yet.
    """

    last: float = 0.0
    since: float | None = None

    def read(self, source: Reads, now: float) -> Sequence[Reading]:
        try:
            heard = self._heard(source, now)
        except StoreError:
            if not self.last:
                raise
            heard = 0.0
        # Set back, a clock would have somebody heard of in the future.
        self.since = now if self.since is None else min(self.since, now)
        self.last = min(max(self.last, heard), now)
        if not self.last:
            # A service that never measured is no news.
            return []
        age = now - max(self.last, self.since)
        if self.last < self.since and age <= SILENT_SECONDS:
            return [Reading(reason="the watch has only just begun")]
        note = f"no process has measured anything for {age / 60:.0f} min"
        return [Reading(value=age, note=note)]

    def skip(self, seconds: float) -> None:
        """Let a time not count: the clock jumped, or nobody watched."""
        self.last = self.last and self.last + seconds
        self.since = None if self.since is None else self.since + seconds

    def _heard(self, source: Reads, now: float) -> float:
        by = ("host.name", "process.pid")
        seconds = RECENT_SECONDS if self.last else EVER_SECONDS
        found = ask(source, MEASURED, now, seconds, by=by)
        # Those that stand by measure themselves too, and are no service.
        me = (socket.gethostname(), str(os.getpid()))
        watchers: set[tuple[str, ...]] = {me}
        watchers |= set(ask(source, WATCHER, now, seconds, by=by))
        alive = [p.last_at for who, p in found.items() if who not in watchers]
        return max(alive, default=0.0)


def failing(book: Book, now: float) -> Sequence[Reading]:
    """How often each channel failed without a success since; a shut one fails."""
    with book.reading() as page:
        found, shut = page.deliveries(limit=MAX_DELIVERIES), page.shut_channels()
    return [
        shut_reading(channel, shut[channel].reason)
        if channel in shut
        else reading_of(channel, [d for d in found if d.channel == channel], now)
        for channel in sorted({*shut, *(each.channel for each in found)})
    ]


def shut_reading(channel: str, reason: str) -> Reading:
    """A channel that is told nothing any more until somebody mends it."""
    return Reading(
        labels={"channel": channel},
        value=float(FAILING_TRIES),
        note=f"it is shut: {reason}",
    )


def reading_of(channel: str, deliveries: Sequence[Delivery], now: float) -> Reading:
    """One channel: a final refusal counts as many vain tries, for there is no next."""
    heard = max((ended(d) for d in deliveries if d.state == SENT), default=0.0)
    since = max(heard, now - REFUSED_SECONDS)
    waiting = [d for d in deliveries if d.state == PENDING and d.error]
    refused = [d for d in deliveries if d.state == FAILED and ended(d) > since]
    tries = sum(d.attempts for d in waiting)
    tries += sum(max(d.attempts, FAILING_TRIES) for d in refused)
    note = next((d.error for d in (*waiting, *refused) if d.error), "")
    return Reading(labels={"channel": channel}, value=float(tries), note=note)


def ended(delivery: Delivery) -> float:
    """When it was known what became of it."""
    return delivery.done_at or delivery.created_at
