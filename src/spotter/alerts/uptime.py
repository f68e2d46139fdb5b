"""How available each monitor was: by its probes, with what nobody knows left out."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import itertools
import math
import weakref
from collections.abc import Mapping, Sequence

from spotter.alerts.expressions import Reads
from spotter.alerts.probing import UP, agreed, is_down
from spotter.entries import Point
from spotter.stores.contract import Query, Store

HOUR, DAY = 3600, 86400
DAYS = 90
#: From when on no probe of an hour is written any more: a store that was away is given
#: what waited for it within minutes.
SETTLED_SECONDS = DAY
#: Of the probes that an hour should have, so many make it known: a busy machine
#: probes a little less often.
ENOUGH = 0.8


class State(enum.StrEnum):
    """What is known of a monitor now."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


# Not frozen: there is one for each hour of a quarter, and freezing triples its price.
@dataclasses.dataclass(slots=True)
class Span:
    """
    A stretch of time of one monitor.

    Args:
        asked, right: how many probes there were, and how many of them were right.
        seconds, known: how long it is, and how much of it was probed.
    """

    asked: float = 0.0
    right: float = 0.0
    seconds: float = 0.0
    known: float = 0.0

    def __add__(self, other: Span) -> Span:
        return Span(
            self.asked + other.asked,
            self.right + other.right,
            self.seconds + other.seconds,
            self.known + other.known,
        )

    def __sub__(self, other: Span) -> Span:
        return Span(
            self.asked - other.asked,
            self.right - other.right,
            self.seconds - other.seconds,
            self.known - other.known,
        )

    @property
    def share(self) -> float | None:
        """The availability, 0 to 1; None when nobody knows."""
        return self.right / self.asked if self.asked else None

    @property
    def unknown(self) -> float:
        """Seconds of which nobody knows."""
        return max(0.0, self.seconds - self.known)


@dataclasses.dataclass(frozen=True, slots=True)
class Day:
    """One day, by UTC."""

    date: datetime.date
    span: Span


class History:
    """The hours of one monitor, from the first that is known on."""

    def __init__(self, hours: Mapping[int, Span], now: float, last_at: float) -> None:
        self._now = now
        #: When the last probe was, in Unix seconds.
        self.last_at = last_at
        self.first_at = min(hours, default=int(now))
        self._began = self.first_at // HOUR * HOUR
        every = (
            hours.get(at) or Span(seconds=min(HOUR, now - at))
            for at in range(self._began, math.ceil(now), HOUR)
        )
        #: Of all hours up to each, so that any stretch is the difference of two.
        self._sums = list(itertools.accumulate(every, initial=Span()))

    def over(self, days: int) -> Span:
        """The last so many days, from a full hour on."""
        return self._between(self._now - days * DAY, self._now)

    def days(self, count: int = DAYS) -> list[Day]:
        """The last so many days, the oldest first."""
        today = int(self._now) // DAY * DAY
        starts = range(today - (count - 1) * DAY, today + DAY, DAY)
        return [
            Day(
                datetime.datetime.fromtimestamp(start, datetime.UTC).date(),
                self._between(start, min(start + DAY, self._now)),
            )
            for start in starts
        ]

    def _between(self, start: float, end: float) -> Span:
        first = int(max(start, self.first_at)) // HOUR * HOUR
        return self._until(math.ceil(end)) - self._until(first)

    def _until(self, end: int) -> Span:
        """All hours that begin before an instant."""
        number = -((self._began - end) // HOUR)
        return self._sums[min(max(number, 0), len(self._sums) - 1)]


#: By monitor: its hours, and when it was probed last.
Spans = dict[str, tuple[dict[int, Span], float]]
_settled: weakref.WeakKeyDictionary[Store, tuple[tuple[int, float], Spans]] = (
    weakref.WeakKeyDictionary()
)


def histories(store: Store, now: float, every: float) -> dict[str, History]:
    """
    Each monitor's last 90 days.

    What is over for a day is read once an hour by each process: nobody is that late.

    Args:
        every: how often it is probed, in seconds.
    """
    over = int(now - SETTLED_SECONDS) // HOUR * HOUR
    known = _settled.get(store)
    if known is None or known[0] != (over, every):
        read = spans(store, now - DAYS * DAY, over, now, every)
        known = _settled[store] = ((over, every), read)
    settled, late = known[1], spans(store, over, now + 10, now, every)
    found = {}
    for probe in settled.keys() | late.keys():
        before, seen_at = settled.get(probe, ({}, 0.0))
        after, last_at = late.get(probe, ({}, seen_at))
        found[probe] = History({**before, **after}, now, last_at)
    return found


def spans(store: Store, start: float, end: float, now: float, every: float) -> Spans:
    """The hours of each monitor in a stretch of time."""
    query = Query(
        name=UP, start=start, end=end, by=("probe", "watcher"), step=HOUR, buckets=False
    )
    points: dict[str, dict[int, list[Point]]] = {}
    for (probe, _), windows in store.range(query).items():
        for at, point in windows.items():
            points.setdefault(probe, {}).setdefault(at, []).append(point)
    return {
        probe: (
            {at: span_of(of, at, now, every) for at, of in hours.items()},
            max(point.last_at for of in hours.values() for point in of),
        )
        for probe, hours in points.items()
    }


def span_of(points: Sequence[Point], at: int, now: float, every: float) -> Span:
    """
    One hour as its watchers saw it: the best of them.

    What one of them alone finds down is down on its own way there.
    """
    best = max(points, key=lambda point: (point.mean, point.count))
    seconds = min(HOUR, max(now - at, every))
    known = sum(point.count for point in points) * every / ENOUGH
    return Span(best.count, best.sum, seconds, min(seconds, known))


def states(source: Reads, now: float) -> dict[str, State]:
    """Each monitor that was probed lately; the others are unknown."""
    return {
        reading.labels["probe"]: State.DOWN if is_down(reading) else State.UP
        for reading in agreed(source, now)
    }


def in_per_cent(share: float | None) -> str:
    """An availability, never rounded up: what is not whole is not 100 %."""
    if share is None:
        return "unknown"
    if share >= 1:
        return "100 %"
    return f"{math.floor(share * 10_000) / 100:.2f} %"
