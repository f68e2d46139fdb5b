"""What is measured, as plain values: series, points, samples and batches of them."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from spotter.histograms import Histogram

#: The finest window, in seconds; every point lies on a multiple of it.
WINDOW_SECONDS = 10
#: What the names of a drill's metrics begin with; nothing but a drill reads them.
DRILL_PREFIX = "spotter.drill."
#: The label that says which drill a series belongs to.
DRILL_LABEL = "spotter.drill"
#: What a sample of a failure weighs at least, and one of a slow request: more than any
#: other.
FAILED_WEIGHT, SLOW_WEIGHT = 1000.0, 100.0

Labels = tuple[tuple[str, str], ...]


class Series:
    """
    A metric's name with its labels, sorted: what a point belongs to.

    A value like any tuple; its hash is worked out once, since every recorded point
    asks for it.
    """

    __slots__ = ("_hash", "labels", "name")

    def __init__(self, name: str, labels: Labels = ()) -> None:
        self.name = name
        self.labels = labels
        self._hash = hash((name, labels))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Series):
            return NotImplemented
        return self.name == other.name and self.labels == other.labels

    def __repr__(self) -> str:
        return f"Series({self.name!r}, {self.labels!r})"

    @classmethod
    def of(cls, name: str, labels: Mapping[str, object] | None = None) -> Series:
        """Make one from a mapping; values become text."""
        pairs = ((key, str(value)) for key, value in (labels or {}).items())
        return cls(name, tuple(sorted(pairs)))

    def group(self, by: tuple[str, ...]) -> tuple[str, ...]:
        """The values of some labels, "" for one that it does not have."""
        if not by:
            return ()
        get = dict(self.labels).get
        # A list: of a generator each value is a call, and a page asks for thousands.
        return tuple([get(name, "") for name in by])


class Point(Histogram):
    """
    What one series did in one window, whatever its kind.

    A counter uses `sum`, a histogram everything from Histogram, a gauge `last` with
    `minimum`, `maximum`, `sum` and `count` for its mean. All merge by addition but
    `last`, which is that of the latest `last_at` (Unix seconds).
    """

    __slots__ = ("last", "last_at")

    def __init__(self) -> None:
        super().__init__()
        self.last = 0.0
        self.last_at = 0.0

    def add(self, amount: float) -> None:
        """Count up."""
        self.count += 1
        self.sum += amount

    def note(self, value: float) -> None:
        """Take a value of a summary: a histogram without buckets."""
        self.count += 1
        self.sum += value
        if value < self.minimum:
            self.minimum = value
        if value > self.maximum:
            self.maximum = value

    def note_all(self, values: Sequence[float]) -> None:
        """Take some values of a summary."""
        if len(values) == 1:
            self.note(values[0])
        elif values:
            self.count += len(values)
            self.sum += sum(values)
            self.minimum = min(self.minimum, *values)
            self.maximum = max(self.maximum, *values)

    def set(self, value: float, at: float) -> None:
        """Take a reading of a gauge."""
        self.count += 1
        self.sum += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)
        if at >= self.last_at:
            self.last, self.last_at = value, at

    def merge(self, other: Histogram) -> None:
        """Add another window's, or another process's, point."""
        super().merge(other)
        if isinstance(other, Point) and other.last_at >= self.last_at:
            self.last, self.last_at = other.last, other.last_at

    @property
    def mean(self) -> float:
        """The mean of what was observed; 0 when nothing was."""
        return self.sum / self.count if self.count else 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    One example kept in detail: a slow request, a failed one, a slow query.

    Args:
        kind: what it is an example of: "request", "query".
        key: what it belongs to: a route, a statement's fingerprint.
        at: when it happened, in Unix seconds.
        weight: how much it deserves to be kept; the highest of an hour are.
        body: JSON; already scrubbed.
    """

    kind: str
    key: str
    at: float
    weight: float
    body: Mapping[str, Any]


@dataclasses.dataclass(slots=True)
class Batch:
    """What one process measured since its last flush; written once, whole."""

    points: dict[tuple[Series, int], Point] = dataclasses.field(default_factory=dict)
    samples: list[Sample] = dataclasses.field(default_factory=list)
    #: Makes a second writing of the same batch a no-op.
    id: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)

    def point(self, series: Series, at: float) -> Point:
        """The point to record into: the series' one in the window of an instant."""
        key = (series, int(at) // WINDOW_SECONDS * WINDOW_SECONDS)
        point = self.points.get(key)
        if point is None:
            point = self.points[key] = Point()
        return point
