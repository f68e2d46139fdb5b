"""What was captured since the last flush, added up by series and window."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol, TypeVar

from spotter.entries import WINDOW_SECONDS, Batch, Labels, Point, Sample, Series
from spotter.recording.bounds import Bounds

T = TypeVar("T")

#: Samples that one flush carries.
MAX_SAMPLES = 200
#: Points that one flush carries: a few megabytes.
MAX_POINTS = 20_000
NOWHERE = Series(
    "spotter.dropped", (("reason", "too many points"), ("what", "telemetry"))
)


class Item(Protocol):
    """Something that was captured: it is asked, off the request, what to measure."""

    def measure(self, into: Measures) -> None:
        """Add to the points and samples of the coming batch."""


class Measures:
    """
    The batch in the making; only ever touched by whoever flushes.

    The bounds are the process's and outlive the batch.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.batch = Batch()
        self._bounds = bounds
        self._kept: dict[Hashable, Any] = {}

    def point(self, name: str, labels: Mapping[str, object], at: float) -> Point:
        """The point of a metric with these labels in the window of an instant."""
        return self._point(name, sorted_labels(labels), at)

    def _point(self, name: str, labels: Labels, at: float) -> Point:
        series, admitted = self._bounds.admit(name, labels)
        if series is None:
            self.drop("telemetry", "too many names", at)
            return Point()
        if not admitted:
            overflowed = Series("spotter.series.overflowed", (("metric", name),))
            self.batch.point(overflowed, at).add(1)
        if len(self.batch.points) >= MAX_POINTS:
            return self.batch.point(NOWHERE, at)
        return self.batch.point(series, at)

    def keep(
        self, key: Hashable, at: float, make: Callable[..., T], *arguments: Any
    ) -> T:
        """
        Give what `make` made for this key in the window of an instant.

        Looking up a tuple once costs a tenth of looking up each of its points.
        """
        place = (key, int(at) // WINDOW_SECONDS)
        kept: T | None = self._kept.get(place)
        if kept is None:
            kept = self._kept[place] = make(*arguments)
        return kept

    def sample(self, sample: Sample) -> None:
        """Keep an example; the lightest go when there are too many."""
        samples = self.batch.samples
        samples.append(sample)
        if len(samples) > 2 * MAX_SAMPLES:
            samples.sort(key=lambda each: -each.weight)
            self.drop("sample", "too many", sample.at, len(samples) - MAX_SAMPLES)
            del samples[MAX_SAMPLES:]

    def drop(self, what: str, reason: str, at: float, amount: int = 1) -> None:
        """Count what had to be left out."""
        labels = (("reason", reason), ("what", what))
        self.batch.point(Series("spotter.dropped", labels), at).add(amount)


def sorted_labels(labels: Mapping[str, object]) -> Labels:
    """Labels in the order in which a series has them, every value as text."""
    return tuple(sorted((key, str(value)) for key, value in labels.items()))
