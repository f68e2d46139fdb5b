"""Availability: by probes, the best placed watcher's, what nobody knows left out."""

from __future__ import annotations

import datetime

import pytest

from spotter.alerts import uptime
from spotter.alerts.uptime import State, histories, in_per_cent, states
from spotter.entries import Batch
from spotter.stores.sqlite import MEMORY, SqliteStore
from tests.alerts.probed import DAY, EVERY, HOUR, probe_days, probe_hour, probe_now

#: The middle of an hour of an afternoon.
NOW = 1_795_000_000 // DAY * DAY + 14.5 * HOUR


@pytest.fixture
def store():
    made = SqliteStore(MEMORY, lambda: NOW)
    yield made
    made.close()


def test_each_period_is_weighed_by_its_probes(store):
    probe_days(store, "api", NOW, 89, lambda ago: 180 if ago == 1 else 0)
    history = histories(store, NOW, EVERY)["api"]
    hours = {days: history.over(days) for days in (1, 7, 30, 90)}
    assert {days: span.asked for days, span in hours.items()} == {
        1: 24 * 360, 7: 168 * 360, 30: 720 * 360, 90: 89 * 24 * 360,
    }  # fmt: skip
    assert all(span.asked - span.right == 180 for span in hours.values())


def test_time_that_nobody_probed_counts_neither_way_and_is_told(store):
    probe_days(store, "api", NOW, 2, lambda ago: None if ago <= 12 else 0)
    span = histories(store, NOW, EVERY)["api"].over(30)
    assert span.share == 1
    assert span.unknown == 12 * HOUR + HOUR / 2


def test_what_was_before_the_first_probe_is_not_unknown(store):
    probe_days(store, "api", NOW, 1)
    assert histories(store, NOW, EVERY)["api"].over(90).unknown == HOUR / 2


def test_an_hour_with_few_probes_is_known_in_part(store):
    batch = Batch()
    # An hour from five to four: 288 of 360 probes are enough, 144 are half.
    probe_hour(batch, "api", NOW - 3.5 * HOUR, 288)
    probe_hour(batch, "api", NOW - 2.5 * HOUR, 144)
    store.write(batch)
    history = histories(store, NOW, EVERY)["api"]
    assert history.over(1).unknown == 0.5 * HOUR + HOUR + 0.5 * HOUR


def test_what_one_watcher_alone_finds_down_is_not(store):
    batch = Batch()
    probe_hour(batch, "api", NOW - 60, 360, watcher="berlin")
    probe_hour(batch, "api", NOW - 60, 100, 260, watcher="tokyo")
    store.write(batch)
    assert histories(store, NOW, EVERY)["api"].over(1).share == 1


def test_days_are_those_of_utc_with_today_last(store):
    probe_days(store, "api", NOW, 3, lambda ago: 36 if ago <= 14 else 0)
    days = histories(store, NOW, EVERY)["api"].days()
    assert len(days) == 90
    assert days[-1].date == datetime.datetime.fromtimestamp(NOW, datetime.UTC).date()
    assert [day.span.share for day in days[-5:]] == [
        None, pytest.approx(1), pytest.approx(1), pytest.approx(1), pytest.approx(0.9),
    ]  # fmt: skip


def test_a_monitor_is_up_down_or_unknown(store):
    probe_now(store, "api", NOW)
    probe_now(store, "shop", NOW, is_up=False)
    probe_days(store, "gone", NOW, 1)
    assert states(store, NOW) == {"api": State.UP, "shop": State.DOWN}


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "unknown"),
        (1.0, "100 %"),
        (0.999999, "99.99 %"),
        (0.9995, "99.95 %"),
        (0.5, "50.00 %"),
        (0.0, "0.00 %"),
    ],
)
def test_an_availability_is_never_rounded_up(share, text):
    assert in_per_cent(share) == text


def test_what_is_read_once_an_hour_is_the_same_as_read_anew(store):
    probe_days(store, "api", NOW, 40, lambda ago: ago % 7)
    first = histories(store, NOW, EVERY)["api"]
    batch = Batch()
    probe_hour(batch, "api", NOW, 30, 5)
    store.write(batch)
    again = histories(store, NOW, EVERY)["api"]
    uptime._settled.clear()
    anew = histories(store, NOW, EVERY)["api"]
    assert again.over(1).asked == first.over(1).asked + 35
    for days in (1, 7, 30, 90):
        assert again.over(days) == anew.over(days)
    assert again.days() == anew.days()


def test_what_comes_later_than_a_day_is_seen_with_the_next_hour(store):
    probe_days(store, "api", NOW, 3)
    asked = histories(store, NOW, EVERY)["api"].over(30).asked
    batch = Batch()
    probe_hour(batch, "api", NOW - 2 * DAY, 20)
    store.write(batch)
    later = histories(store, NOW + HOUR, EVERY)["api"].over(30)
    assert later.asked == asked + 20
