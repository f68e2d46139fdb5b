"""Outages: when the watchers agreed that a monitor is down, since when and why."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence

from spotter.alerts.book import KEEP_SECONDS, Page
from spotter.alerts.expressions import Reading
from spotter.alerts.probing import Failing, is_down, why

#: Changes that wait for a store that takes no writes.
MAX_WAITING = 1000
MAX_REASON = 300


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A monitor was down from `began_at` to `ended_at`, None while it is."""

    monitor: str
    began_at: float
    ended_at: float | None
    reason: str


class Outages:
    """What the watcher that leads writes down, each change once."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}
        self._waiting: collections.deque[Outage] = collections.deque(maxlen=MAX_WAITING)

    def forget(self) -> None:
        """Another leads: what is known here is old."""
        self._known.clear()

    def see(
        self, readings: Iterable[Reading], failing: Mapping[str, Failing], now: float
    ) -> None:
        """Take note of what has changed."""
        for reading in readings:
            monitor, state = reading.labels["probe"], is_down(reading)
            if state is None or self._known.get(monitor) is state:
                continue
            self._known[monitor] = state
            found = why(failing, monitor, now)
            self._waiting.append(
                Outage(
                    monitor=monitor,
                    began_at=found.since if state else 0.0,
                    ended_at=None if state else now,
                    reason=found.reason[:MAX_REASON] if state else "",
                )
            )

    @property
    def is_waiting(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._waiting)

    def write(self, page: Page) -> None:
        """Write what changed; `accept` when that is committed."""
        for each in self._waiting:
            begin(page, each) if each.ended_at is None else end(page, each)

    def accept(self) -> None:
        """It is written."""
        self._waiting.clear()


def begin(page: Page, outage: Outage) -> None:
    """Begin one, unless it has begun."""
    page.run(
        "INSERT INTO spotter_outages (monitor, began_at, ended_at, reason) "
        "SELECT ?, ?, NULL, ? WHERE NOT EXISTS (SELECT 1 FROM spotter_outages "
        "WHERE monitor = ? AND ended_at IS NULL)",
        (outage.monitor, outage.began_at, outage.reason, outage.monitor),
    )


def end(page: Page, outage: Outage) -> None:
    """End the one that has not ended, if any."""
    page.run(
        "UPDATE spotter_outages SET ended_at = ? WHERE monitor = ? AND ended_at IS NULL",
        (outage.ended_at, outage.monitor),
    )


def outages(page: Page, since: float, limit: int = 200) -> Sequence[Outage]:
    """Those that lasted after an instant, the latest first."""
    rows = page.run(
        "SELECT monitor, began_at, ended_at, reason FROM spotter_outages "
        "WHERE ended_at IS NULL OR ended_at >= ? ORDER BY began_at DESC LIMIT ?",
        (since, limit),
    )
    return [Outage(monitor=m, began_at=b, ended_at=e, reason=r) for m, b, e, r in rows]


def end_gone(page: Page, monitors: Collection[str], now: float) -> None:
    """End the outages of monitors that there are no more: nobody else will."""
    rows = page.run("SELECT monitor FROM spotter_outages WHERE ended_at IS NULL")
    for (monitor,) in rows:
        if monitor not in monitors:
            gone = Outage(monitor=monitor, began_at=0.0, ended_at=now, reason="")
            end(page, gone)


def trim(page: Page, now: float) -> None:
    """Delete what is past its time."""
    page.run("DELETE FROM spotter_outages WHERE ended_at < ?", (now - KEEP_SECONDS,))
