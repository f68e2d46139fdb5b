"""Memory that grows: a leak is told, what a new process imports is not."""

from __future__ import annotations

import time

import pytest

from spotter.dashboard.facts import growth_facts
from spotter.dashboard.period import period_of
from spotter.dashboard.reading import Reader
from spotter.entries import Batch, Series

LABELS = {"host.name": "web-1", "process.pid": "7"}


@pytest.fixture
def now():
    return float(int(time.time()) // 60 * 60)


def measured(store, now, readings):
    """Write megabytes by how many seconds ago they were read."""
    batch = Batch()
    series = Series.of("process.memory.usage", LABELS)
    for ago, megabytes in readings.items():
        batch.point(series, now - ago).set(megabytes * 1e6, now - ago)
    store.write(batch)


def growth(store, now):
    reader = Reader(store, period_of({"period": "15m"}, now), now)
    return [(each.before / 1e6, each.now / 1e6) for each in growth_facts(reader)]


def test_what_a_process_imports_in_its_first_minute_is_no_growth(store, now):
    measured(store, now, {300: 60, 290: 90, 230: 120, 20: 121})
    assert growth(store, now) == [(120, 121)]


def test_what_one_that_was_there_before_the_period_takes_is_growth(store, now):
    measured(store, now, {960: 60, 890: 60, 850: 120, 20: 121})
    assert growth(store, now) == [(60, 121)]


def test_one_that_has_only_just_begun_is_not_judged(store, now):
    measured(store, now, {50: 60, 20: 120})
    assert growth(store, now) == []
