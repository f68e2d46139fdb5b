"""When a trainer works and which of her hours are taken: pure, from a seed."""

from __future__ import annotations

import datetime as dt
import random
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

PAST_DAYS = 56
COMING_DAYS = 28
# How much of an hour's time is taken, by the hour of the day where the trainer lives:
# before work, at lunch, and after work.
DEMAND = dict.fromkeys((7, 8, 12, 17, 18, 19), 0.85)
USUAL_DEMAND = 0.45
HOURS = [
    (dt.time(7), dt.time(15)),
    (dt.time(9), dt.time(18)),
    (dt.time(12), dt.time(20)),
]
SATURDAY_HOURS = (dt.time(9), dt.time(13))


@dataclass(frozen=True, slots=True)
class Session:
    """An appointment in a diary; `service` counts into the trainer's services."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    service: int


def week(chance: random.Random) -> dict[int, tuple[dt.time, dt.time]]:
    """Draw the hours of a week: five weekdays, and Saturday for every other one."""
    hours = {weekday: chance.choice(HOURS) for weekday in range(5)}
    if chance.random() < 0.5:
        hours[5] = SATURDAY_HOURS
    return hours


def days(today: dt.date) -> Iterator[dt.date]:
    """The days that the demo data covers."""
    for offset in range(-PAST_DAYS, COMING_DAYS):
        yield today + dt.timedelta(days=offset)


def demand(starts_at: dt.datetime, today: dt.date) -> float:
    """How likely the time is taken: the further ahead, the emptier the diary."""
    share = DEMAND.get(starts_at.hour, USUAL_DEMAND)
    days_ahead = max(0, (starts_at.date() - today).days)
    return share * (1 - days_ahead / (COMING_DAYS + 7))


def day(
    chance: random.Random,
    opens_at: dt.datetime,
    closes_at: dt.datetime,
    minutes: list[int],
    today: dt.date,
) -> Iterator[Session]:
    """Fill one day from opening to closing; sessions never touch each other's time."""
    now = opens_at
    while True:
        service = chance.randrange(len(minutes))
        ends_at = now + dt.timedelta(minutes=minutes[service])
        if ends_at > closes_at:
            return
        if chance.random() < demand(now, today):
            yield Session(now.astimezone(dt.UTC), ends_at.astimezone(dt.UTC), service)
        now = ends_at


def sessions(
    chance: random.Random,
    hours: dict[int, tuple[dt.time, dt.time]],
    minutes: list[int],
    time_zone: str,
    today: dt.date,
    closed: frozenset[dt.date] = frozenset(),
) -> Iterator[Session]:
    """Every session of one trainer, in the order of time."""
    zone = zoneinfo.ZoneInfo(time_zone)
    for date in days(today):
        if date in closed or date.weekday() not in hours:
            continue
        opens, closes = hours[date.weekday()]
        yield from day(
            chance,
            dt.datetime.combine(date, opens, zone),
            dt.datetime.combine(date, closes, zone),
            minutes,
            today,
        )
