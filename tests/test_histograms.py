"""Exponential histograms keep their promises of accuracy, exactness and addition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotter.histograms import HIGHEST, Histogram, bucket_of, upper_bound

durations = st.floats(min_value=1e-6, max_value=1e6)


@pytest.mark.parametrize("power", range(-20, 21))
def test_a_power_of_two_is_the_last_value_of_its_bucket(power):
    value = math.ldexp(1.0, power)
    assert upper_bound(bucket_of(value)) == value
    assert bucket_of(math.nextafter(value, math.inf)) == bucket_of(value) + 1


@given(durations)
def test_a_value_lies_within_its_bucket(value):
    index = bucket_of(value)
    assert upper_bound(index - 1) < value <= upper_bound(index)


@given(st.lists(durations, min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_within_a_bucket_of_the_true_one(values, q):
    true = sorted(values)[max(math.ceil(q * len(values)) - 1, 0)]
    estimate = Histogram(values).quantile(q)
    assert true / 2 ** (1 / 8) <= estimate * (1 + 1e-9)
    assert estimate <= true * 2 ** (1 / 8) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("slow", "is_above"),
    [(4, False), (5, False), (6, True)],
    ids=["below", "at", "above"],
)
def test_a_p95_above_two_seconds_is_exact(slow, is_above):
    histogram = Histogram([2.0] * (100 - slow) + [2.0001] * slow)
    assert (histogram.quantile(0.95) > 2.0) is is_above
    assert histogram.count_above(2.0) == slow


@given(st.lists(durations), st.lists(durations))
def test_merging_equals_observing_everything_in_one(left, right):
    merged = Histogram(left)
    merged.merge(Histogram(right))
    whole = Histogram(left + right)
    assert (merged.buckets, merged.count) == (whole.buckets, whole.count)
    assert merged.sum == pytest.approx(whole.sum)


@given(st.lists(durations))
def test_encoded_buckets_come_back(values):
    histogram, copy = Histogram(values), Histogram()
    copy.decode(histogram.encode())
    assert copy.buckets == histogram.buckets


@pytest.mark.parametrize("count", [2**8 - 1, 2**8, 2**16, 2**32])
def test_large_counts_survive_encoding(count):
    histogram, copy = Histogram([1.0]), Histogram()
    histogram.buckets[0] = count
    copy.decode(histogram.encode())
    assert copy.buckets == {0: count}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_passed_over(value):
    assert Histogram([value]).count == 0


def test_zero_and_negative_values_are_counted_apart():
    histogram = Histogram([0.0, -1.0, 4.0, 4.0])
    assert (histogram.zeros, histogram.count, histogram.count_above(0)) == (2, 4, 2)
    assert histogram.quantile(0.5) == 0.0


def test_no_value_makes_a_histogram_grow_beyond_its_bounds():
    assert bucket_of(1e300) == HIGHEST


def test_nothing_observed_has_no_quantile():
    assert math.isnan(Histogram().quantile(0.5))


@pytest.mark.parametrize("q", [-0.1, 1.1])
def test_a_quantile_outside_its_range_is_refused(q):
    with pytest.raises(ValueError, match="between 0 and 1"):
        Histogram([1.0]).quantile(q)


def test_the_classic_form_is_cumulative():
    histogram = Histogram([0.5, 1.0, 2.0, 2.1])
    assert list(histogram.cumulative([1.0, 2.0])) == [(1.0, 2), (2.0, 3)]
