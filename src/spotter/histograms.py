"""Exponential histograms: mergeable by addition, at most 4.4 % off, exact at 2^n."""

from __future__ import annotations

import math
import operator
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from math import frexp, isfinite

# Prometheus' native schema 3, OpenTelemetry's scale 3: each power of two is cut into
# eight buckets, so a bucket's bounds are 2^(1/8) apart and the middle of a bucket is
# at most 2^(1/16) = 4.4 % from anything in it.
# https://prometheus.io/docs/specs/native_histograms/#data-model
BUCKETS_PER_DOUBLING = 8
# frexp() gives a mantissa in [0.5, 1); these are the upper bounds inside that range.
MANTISSAS = tuple(
    0.5 * 2 ** (step / BUCKETS_PER_DOUBLING) for step in range(BUCKETS_PER_DOUBLING)
)
# About 1e-9 to 1e15: from nanoseconds to petabytes. What is beyond is counted in the
# outermost bucket, so that no value can make a histogram grow without end.
LOWEST, HIGHEST = -240, 400
# Typecodes of `array` by the largest count that they hold.
TYPECODES = (("B", 2**8), ("H", 2**16), ("I", 2**32), ("Q", 2**64))
CODES = tuple(code for code, _ in TYPECODES)


def bucket_of(value: float) -> int:
    """
    The index of the bucket that a positive value falls into.

    Bucket i holds what is above 2^((i-1)/8) and up to and including 2^(i/8).
    """
    mantissa, exponent = frexp(value)
    index = BUCKETS_PER_DOUBLING * (exponent - 1) + bisect_left(MANTISSAS, mantissa)
    # Not min() and max(): two calls cost more than the rest of this.
    if index < LOWEST:
        return LOWEST
    return HIGHEST if index > HIGHEST else index


def upper_bound(index: int) -> float:
    """The largest value that bucket `index` holds; exact for powers of two."""
    doublings, step = divmod(index, BUCKETS_PER_DOUBLING)
    return math.ldexp(2 * MANTISSAS[step], doublings)


class Histogram:
    """
    Counts of observed values by bucket, with their count, sum, smallest and largest.

    What is zero or below is counted in `zeros`: durations and sizes are never negative,
    but clocks that step back make them so.
    """

    __slots__ = ("buckets", "count", "maximum", "minimum", "sum", "zeros")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self.buckets: dict[int, int] = {}
        self.zeros = 0
        self.count = 0
        self.sum = 0.0
        self.minimum = math.inf
        self.maximum = -math.inf
        self.observe_all(values)

    def observe(self, value: float) -> None:
        """Count one finite value; NaN and infinity are passed over."""
        self.observe_all((value,))

    def observe_all(self, values: Iterable[float]) -> None:
        """Count each finite one of some values."""
        buckets = self.buckets
        for value in values:
            if not isfinite(value):
                continue
            if value > 0:
                index = bucket_of(value)
                buckets[index] = buckets.get(index, 0) + 1
            else:
                self.zeros += 1
            self.count += 1
            self.sum += value
            # Not min() and max(): a call costs more than all the rest of this.
            if value < self.minimum:
                self.minimum = value
            if value > self.maximum:
                self.maximum = value

    def merge(self, other: Histogram) -> None:
        """Add what another one counted; the order of merging does not matter."""
        for index, count in other.buckets.items():
            self.buckets[index] = self.buckets.get(index, 0) + count
        self.zeros += other.zeros
        self.count += other.count
        self.sum += other.sum
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)

    def count_above(self, limit: float) -> int:
        """
        How many values were above a limit.

        Exact when the limit is a bucket's bound, as every power of two is; otherwise
        the bucket that holds the limit is counted as not above.
        """
        if limit <= 0:
            return self.count - self.zeros
        edge = bucket_of(limit)
        return sum(count for index, count in self.buckets.items() if index > edge)

    def quantile(self, q: float) -> float:
        """
        Estimate the q-quantile, 0 ≤ q ≤ 1; NaN when nothing was observed.

        Interpolates exponentially inside a bucket, as Prometheus' histogram_quantile()
        does for native histograms, and never leaves what was really observed.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile is between 0 and 1, not {q}")
        if not self.count:
            return math.nan
        rank = q * self.count
        if rank <= self.zeros and self.zeros:
            return min(0.0, self.maximum)
        value = self._at(rank - self.zeros)
        return min(max(value, self.minimum), self.maximum)

    def _at(self, rank: float) -> float:
        """The value at a rank among the positive ones."""
        seen = 0
        for index in sorted(self.buckets):
            count = self.buckets[index]
            if seen + count >= rank:
                return interpolate(index, (rank - seen) / count)
            seen += count
        return self.maximum

    def cumulative(self, bounds: Iterable[float]) -> Iterator[tuple[float, int]]:
        """Give (bound, how many were at or below it) for Prometheus' classic form."""
        for bound in bounds:
            yield bound, self.count - self.count_above(bound)

    def encode(self) -> bytes:
        """The buckets as bytes for a store: typecode, first index, dense counts."""
        if not self.buckets:
            return b""
        first, last = min(self.buckets), max(self.buckets)
        counts = [self.buckets.get(index, 0) for index in range(first, last + 1)]
        largest = max(counts)
        code = next(code for code, limit in TYPECODES if largest < limit)
        head = array("h", [first]).tobytes()
        return code.encode() + head + array(code, counts).tobytes()

    def decode(self, data: bytes) -> None:
        """
        Add encoded buckets to this one's; the inverse of `encode` for an empty one.

        Raises:
            ValueError: they are not what `encode` gives; nothing was added.
        """
        if not data:
            return
        first, counts = dense(data)
        for index, count in enumerate(counts, first):
            if count:
                self.buckets[index] = self.buckets.get(index, 0) + count


class BucketSum:
    """
    Encoded buckets added up, at a fifth of what decoding each would cost.

    They lie side by side in the bytes as in a list, so that adding is one pass in C.
    """

    __slots__ = ("counts", "first")

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.first = 0

    def add(self, data: bytes) -> None:
        """Add what `Histogram.encode` made; ValueError, and nothing, for anything else."""
        first, given = dense(data)
        if not self.counts:
            self.first, self.counts = first, given.tolist()
            return
        if first < self.first:
            self.counts[:0] = [0] * (self.first - first)
            self.first = first
        start = first - self.first
        missing = start + len(given) - len(self.counts)
        if missing > 0:
            self.counts.extend([0] * missing)
        end = start + len(given)
        self.counts[start:end] = map(operator.add, self.counts[start:end], given)

    def add_to(self, histogram: Histogram) -> None:
        """Add the sum to a histogram's buckets."""
        buckets = histogram.buckets
        for index, count in enumerate(self.counts, self.first):
            if count:
                buckets[index] = buckets.get(index, 0) + count


def dense(data: bytes) -> tuple[int, array[int]]:
    """The first index and the counts of encoded buckets, which a disk may have damaged."""
    code = data[:1].decode("latin-1")
    if len(data) <= 3 or code not in CODES:
        raise ValueError("these are no buckets")
    first, counts = array("h", data[1:3])[0], array(code, data[3:])
    if first < LOWEST or first + len(counts) - 1 > HIGHEST:
        raise ValueError("these are no buckets that there are")
    return first, counts


def interpolate(index: int, fraction: float) -> float:
    """The value so far into a bucket, on a logarithmic scale."""
    upper = upper_bound(index)
    if fraction >= 1:
        return upper
    lower = upper_bound(index - 1)
    return float(lower * (upper / lower) ** fraction)
