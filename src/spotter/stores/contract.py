"""What every store promises; tests/stores/test_contract.py runs it against each."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from typing import Final

from spotter.entries import WINDOW_SECONDS, Batch, Point, Sample
from spotter.exceptions import SpotterError

Group = tuple[str, ...]


class StoreError(SpotterError):
    """
    The store can't be used now; nothing was written.

    Args:
        retry: whether the same call may succeed later without anybody's help.
    """

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.retry = retry


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """One resolution: windows of so many seconds, kept for so many."""

    window: int
    keep: int


MINUTE, HOUR, DAY = 60, 3600, 86400
#: From fine to coarse; each is rolled up into the next.
LEVELS: Final = (
    Level(WINDOW_SECONDS, 2 * HOUR),
    Level(MINUTE, 2 * DAY),
    Level(HOUR, 90 * DAY),
    Level(DAY, 730 * DAY),
)
#: How long after its end a window is rolled up; later writers reach both levels.
GRACE_SECONDS = 30
#: How long the ids of written batches are remembered.
REMEMBER_BATCHES_SECONDS = HOUR
#: How many samples of one kind and key an hour keeps: the weightiest.
SAMPLES_PER_HOUR = 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """
    Which points to read.

    Args:
        name: the metric.
        start, end: Unix seconds; from `start` up to, not including, `end`.
        by: the labels to group by; the rest are added up.
        where: only series whose labels have these values.
        step: the length in seconds of the windows to give, a multiple of a level's;
            None takes the finest one that covers the whole range.
        buckets: whether quantiles will be asked for; without, reading is much cheaper.
    """

    name: str
    start: float
    end: float
    by: tuple[str, ...] = ()
    where: Mapping[str, str] = dataclasses.field(default_factory=dict)
    step: int | None = None
    buckets: bool = True


class Store(abc.ABC):
    """
    Where measurements are kept.

    Every method may raise StoreError; none may block longer than a few seconds.
    """

    @abc.abstractmethod
    def write(self, batch: Batch) -> bool:
        """
        Add a batch; all of it or nothing.

        Returns False, and changes nothing, when that batch was written before.
        """

    @abc.abstractmethod
    def range(self, query: Query) -> dict[Group, dict[int, Point]]:
        """Give each group's points by the start of their window, oldest first."""

    @abc.abstractmethod
    def samples(
        self, kind: str, *, key: str | None = None, since: float = 0, limit: int = 50
    ) -> list[Sample]:
        """Give the kept samples, the latest first."""

    @abc.abstractmethod
    def roll_up(self, now: float) -> None:
        """Add what is complete to the next coarser level; safe to call at any time."""

    @abc.abstractmethod
    def trim(self, now: float) -> int:
        """Delete what is past its time; give how many rows went."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of files and connections."""

    def total(self, query: Query) -> dict[Group, Point]:
        """Add up the whole range: one point a group."""
        totals: dict[Group, Point] = {}
        for group, points in self.range(query).items():
            total = totals[group] = Point()
            for point in points.values():
                total.merge(point)
        return totals

    def quantile(self, query: Query, q: float) -> dict[Group, float]:
        """The q-quantile of each group over the whole range, 0 ≤ q ≤ 1."""
        return {group: point.quantile(q) for group, point in self.total(query).items()}

    def top(self, query: Query, limit: int = 10) -> list[tuple[Group, Point]]:
        """The groups with the largest sums, largest first."""
        ranked = sorted(self.total(query).items(), key=lambda item: -item[1].sum)
        return ranked[:limit]

    def latest(self, query: Query) -> dict[Group, float]:
        """Each group's last reading of a gauge in the range."""
        return {group: point.last for group, point in self.total(query).items()}


def level_for(query: Query, now: float) -> Level:
    """The finest level that still has the start of the range, and fits the step."""
    for level in LEVELS:
        fits = query.step is None or query.step % level.window == 0
        # A window's slack: "the last 90 days" was asked for a moment ago.
        kept = query.start >= now - level.keep - level.window
        if level is LEVELS[-1] or (fits and kept and is_light(query, level)):
            return level
    raise AssertionError("the coarsest level always fits")


def is_light(query: Query, level: Level) -> bool:
    """Whether the range has few enough windows for a page to read and draw."""
    if query.step is not None:
        # The next coarser level would give the same; a finer one costs more rows.
        following = LEVELS[LEVELS.index(level) + 1 :]
        return not (following and query.step % following[0].window == 0)
    return (query.end - query.start) / level.window <= 2200
