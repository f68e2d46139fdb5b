"""Series are values, and points add up whatever their kind."""

from __future__ import annotations

import pytest

from spotter.entries import Point, Series


def test_series_with_the_same_name_and_labels_are_one():
    one, other = (
        Series.of("a", {"x": 1, "y": "z"}),
        Series.of("a", {"y": "z", "x": "1"}),
    )
    assert one == other
    assert len({one, other}) == 1


def test_series_that_differ_in_name_or_labels_are_two():
    assert len({Series("a"), Series("b"), Series.of("a", {"x": 1})}) == 3
    assert Series("a") != "a"


def test_a_series_shows_what_it_is():
    assert repr(Series.of("a", {"x": 1})) == "Series('a', (('x', '1'),))"


def test_a_summary_has_its_bounds_and_mean_and_no_buckets():
    point = Point()
    for value in (4.0, 1.0):
        point.note(value)
    assert (point.count, point.minimum, point.maximum, point.mean) == (2, 1.0, 4.0, 2.5)
    assert point.buckets == {}


@pytest.mark.parametrize("values", [[], [4.0], [4.0, 1.0, 2.5]])
def test_values_of_a_summary_may_come_together(values):
    one, other = Point(), Point()
    one.note_all(values)
    for value in values:
        other.note(value)
    assert (one.count, one.sum) == (other.count, other.sum)
    assert (one.minimum, one.maximum) == (other.minimum, other.maximum)
