"""When a session can be: arithmetic on opening hours, time zones and what is taken."""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

# Slots are offered this far apart, counted from the opening.
STEP = dt.timedelta(minutes=15)
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """From an aware instant until another, the end not included."""

    starts_at: dt.datetime
    ends_at: dt.datetime

    def overlaps(self, other: Interval) -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def contains(self, other: Interval) -> bool:
        return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at


@dataclass(frozen=True, slots=True)
class Hours:
    """From one time on the wall clock until another of the same day."""

    opens: dt.time
    closes: dt.time


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a trainer works, by the clock on her wall."""

    zone: ZoneInfo
    weekly: Mapping[int, Sequence[Hours]]
    # What holds instead of the week's hours; empty is a day off.
    exceptions: Mapping[dt.date, Sequence[Hours]] = field(default_factory=dict)

    def local_date(self, instant: dt.datetime) -> dt.date:
        return instant.astimezone(self.zone).date()

    def open_on(self, day: dt.date) -> list[Interval]:
        """Give the day's open intervals in UTC, merged where they touch."""
        hours = self.exceptions.get(day, self.weekly.get(day.weekday(), ()))
        intervals = (
            Interval(self._instant(day, one.opens), self._instant(day, one.closes))
            for one in hours
        )
        # Hours that fall into the gap of a summer time have no length, or less.
        return merged(one for one in intervals if one.starts_at < one.ends_at)

    def is_open(self, wanted: Interval) -> bool:
        """Whether the whole of it lies in open hours."""
        days = days_between(
            self.local_date(wanted.starts_at), self.local_date(wanted.ends_at)
        )
        open_intervals = merged(one for day in days for one in self.open_on(day))
        return any(one.contains(wanted) for one in open_intervals)

    def _instant(self, day: dt.date, wall: dt.time) -> dt.datetime:
        # Of an hour that happens twice, fold=0 takes the first; one that does not
        # happen is taken as if the clock had not been put forward yet.
        return dt.datetime.combine(day, wall, self.zone).astimezone(dt.UTC)


def days_between(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Count the days, both ends included."""
    for offset in range((last - first).days + 1):
        yield first + offset * ONE_DAY


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Sort, and join what touches or overlaps."""
    result: list[Interval] = []
    for one in sorted(intervals):
        if result and one.starts_at <= result[-1].ends_at:
            last = result.pop()
            one = Interval(last.starts_at, max(last.ends_at, one.ends_at))
        result.append(one)
    return result


def free_slots(
    *,
    schedule: Schedule,
    first: dt.date,
    last: dt.date,
    duration: dt.timedelta,
    taken: Iterable[Interval],
    now: dt.datetime,
) -> list[Interval]:
    """
    Give every slot that can still be booked, in order.

    Args:
        first: the first day by the trainer's clock; `last` is included.
        taken: what nobody else can have, in any order.
        now: slots that began before it are left out.
    """
    openings = merged(
        one for day in days_between(first, last) for one in schedule.open_on(day)
    )
    busy = merged(taken)
    return [
        slot
        for opening in openings
        for slot in _steps(opening, duration)
        if slot.starts_at > now and not _is_taken(slot, busy)
    ]


def _is_taken(slot: Interval, busy: Sequence[Interval]) -> bool:
    """Look at the one that could be in the way; a month has hundreds."""
    following = bisect.bisect_right(busy, slot.starts_at, key=lambda one: one.ends_at)
    return following < len(busy) and slot.overlaps(busy[following])


def _steps(opening: Interval, duration: dt.timedelta) -> Iterator[Interval]:
    start = opening.starts_at
    while start + duration <= opening.ends_at:
        yield Interval(start, start + duration)
        start += STEP
