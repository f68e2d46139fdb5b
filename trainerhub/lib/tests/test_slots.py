"""Slots, whatever the hours, the zone and the season."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainerhub.lib.slots import STEP, Hours, Interval, Schedule, free_slots, merged

LONDON = ZoneInfo("Europe/London")
ZONES = ["Europe/London", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "UTC"]
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
# Both changes of the clock in Europe and in America are within.
DAYS = st.dates(dt.date(2026, 3, 1), dt.date(2026, 11, 30))


@st.composite
def hours(draw):
    opens, closes = sorted(
        draw(st.lists(st.times(), min_size=2, max_size=2, unique=True))
    )
    return Hours(opens, closes)


@st.composite
def schedules(draw):
    return Schedule(
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        weekly=draw(
            st.dictionaries(
                st.integers(0, 6), st.lists(hours(), max_size=3), max_size=7
            )
        ),
        exceptions=draw(
            st.dictionaries(DAYS, st.lists(hours(), max_size=2), max_size=3)
        ),
    )


@st.composite
def intervals(draw, day):
    start = dt.datetime.combine(day, draw(st.times()), dt.UTC)
    return Interval(start, start + dt.timedelta(minutes=draw(st.integers(1, 300))))


DURATIONS = st.integers(5, 480).map(lambda minutes: dt.timedelta(minutes=minutes))


@given(schedule=schedules(), day=DAYS, duration=DURATIONS, data=st.data())
def test_a_slot_is_open_free_ahead_and_as_long_as_the_service(
    schedule, day, duration, data
):
    taken = data.draw(st.lists(intervals(day), max_size=5))
    now = dt.datetime.combine(day, data.draw(st.times()), dt.UTC)
    for slot in free_slots(
        schedule=schedule, first=day, last=day, duration=duration, taken=taken, now=now
    ):
        assert slot.ends_at - slot.starts_at == duration
        assert slot.starts_at > now
        assert schedule.is_open(slot)
        assert not any(slot.overlaps(one) for one in taken)


@given(schedule=schedules(), day=DAYS, duration=DURATIONS)
def test_every_step_of_an_opening_is_offered_when_nothing_is_taken(
    schedule, day, duration
):
    free = free_slots(
        schedule=schedule,
        first=day,
        last=day,
        duration=duration,
        taken=[],
        now=LONG_AGO,
    )
    expected = sum(
        max(0, (one.ends_at - one.starts_at - duration) // STEP + 1)
        for one in schedule.open_on(day)
    )
    assert len(free) == expected


@given(day=DAYS, data=st.data())
def test_merged_intervals_are_apart_and_cover_the_same(day, data):
    given_ones = data.draw(st.lists(intervals(day), max_size=8))
    result = merged(given_ones)
    pairs = itertools.pairwise(result)
    assert all(one.ends_at < other.starts_at for one, other in pairs)
    assert all(any(one.contains(other) for one in result) for other in given_ones)


@pytest.mark.parametrize(
    ("day", "opens_utc"),
    [
        (dt.date(2026, 3, 28), 9),
        (dt.date(2026, 3, 29), 8),
        (dt.date(2026, 10, 24), 8),
        (dt.date(2026, 10, 25), 9),
    ],
)
def test_nine_o_clock_stays_nine_o_clock_when_the_clocks_change(day, opens_utc):
    (opening,) = every_day(Hours(dt.time(9), dt.time(17))).open_on(day)
    assert (opening.starts_at.hour, opening.ends_at.hour) == (opens_utc, opens_utc + 8)


def test_hours_that_the_clock_skips_are_not_offered():
    """On 29 March 2026 London goes from 1:00 to 2:00."""
    schedule = every_day(Hours(dt.time(1, 30), dt.time(2, 15)))
    assert schedule.open_on(dt.date(2026, 3, 29)) == []


def test_an_hour_that_happens_twice_is_offered_once():
    """On 25 October 2026 London goes from 2:00 back to 1:00."""
    (opening,) = every_day(Hours(dt.time(1), dt.time(1, 45))).open_on(
        dt.date(2026, 10, 25)
    )
    assert opening.ends_at - opening.starts_at == dt.timedelta(minutes=45)
    assert opening.starts_at == dt.datetime(2026, 10, 25, 0, tzinfo=dt.UTC)


def test_an_exception_replaces_the_hours_of_the_week():
    day = dt.date(2026, 6, 1)
    weekly = {0: [Hours(dt.time(9), dt.time(17))]}
    closed = Schedule(zone=LONDON, weekly=weekly, exceptions={day: []})
    assert closed.open_on(day) == []
    assert closed.open_on(day + dt.timedelta(days=7)) != []


def test_a_session_may_cross_from_one_opening_into_the_one_that_touches_it():
    schedule = every_day(
        Hours(dt.time(9), dt.time(12)), Hours(dt.time(12), dt.time(15))
    )
    start = dt.datetime(2026, 1, 5, 11, 30, tzinfo=dt.UTC)
    assert schedule.is_open(Interval(start, start + HOUR))


@pytest.mark.parametrize(("minutes", "count"), [(-1, 1), (0, 0), (1, 0)])
def test_a_slot_that_begins_now_is_too_late(minutes, count):
    opening = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    free = free_slots(
        schedule=every_day(Hours(dt.time(9), dt.time(10))),
        first=opening.date(),
        last=opening.date(),
        duration=HOUR,
        taken=[],
        now=opening + dt.timedelta(minutes=minutes),
    )
    assert len(free) == count


def every_day(*hours: Hours) -> Schedule:
    return Schedule(zone=LONDON, weekly=dict.fromkeys(range(7), hours))
