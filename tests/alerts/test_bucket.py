"""How many messages a receiver is sent in a time."""

from __future__ import annotations

import pytest

from spotter.alerts.bucket import Bucket


def taken(bucket: Bucket, now: float) -> int:
    """Take all there are."""
    count = 0
    while bucket.tokens(now) > 0:
        bucket.take(now)
        count += 1
    return count


def test_so_many_at_once_and_then_as_they_come_back():
    bucket = Bucket(10, 600.0)
    assert taken(bucket, 1000.0) == 10
    assert bucket.tokens(1059.9) == 0
    assert bucket.tokens(1060.0) == 1
    assert taken(bucket, 5000.0) == 10


def test_a_clock_that_is_set_back_fills_nothing_and_stops_nothing():
    bucket = Bucket(1, 1.0)
    bucket.take(5000.0)
    assert bucket.tokens(1000.0) == 0
    assert bucket.tokens(1001.0) == 1


@pytest.mark.parametrize(("now", "open_"), [(1006.9, 0), (1007.0, 1), (1008.0, 1)])
def test_a_receiver_that_asked_for_a_pause_gets_it(now, open_):
    bucket = Bucket(1, 1.0)
    bucket.close(1000.0, 7.0)
    assert bucket.tokens(now) == open_


def test_a_pause_that_a_jump_of_the_clock_made_endless_is_not_believed():
    bucket = Bucket(1, 1.0)
    bucket.close(1_000_000.0, 30.0)
    assert bucket.tokens(10.0) == 1
