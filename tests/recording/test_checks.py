"""A wrong setting of the recording is told at start, with what to write instead."""

from __future__ import annotations

import pytest

from spotter.recording.checks import check_seconds, check_store


@pytest.mark.parametrize(
    ("store", "ids"),
    [
        ("", []),
        ("memory://", []),
        ("sqlite:////var/lib/spotter.db", []),
        ("postgresql://user@host/database", []),
        ("spotter.db", ["spotter.E020"]),
        ("mysql://host/database", ["spotter.E020"]),
        (17, ["spotter.E020"]),
    ],
)
def test_a_store_must_be_one_that_there_is(settings, store, ids):
    settings.SPOTTER = {"STORE": store}
    assert [error.id for error in check_store()] == ids


@pytest.mark.parametrize(
    ("value", "count"),
    [(0.001, 0), (5, 0), (0, 1), (-1, 1), ("5", 1), (True, 1), (float("inf"), 1)],
)
@pytest.mark.parametrize(
    "name", ["FLUSH_SECONDS", "SLOW_REQUEST_SECONDS", "SLOW_QUERY_SECONDS"]
)
def test_durations_are_numbers_above_0(settings, name, value, count):
    settings.SPOTTER = {name: value}
    errors = check_seconds()
    assert [error.id for error in errors] == ["spotter.E021"] * count
    assert all(name in error.msg for error in errors)
