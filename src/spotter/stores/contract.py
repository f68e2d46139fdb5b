"""What every store promises; tests/stores/test_contract.py runs it against each."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from spotter.entries import WINDOW_SECONDS, Batch, Point, Sample, Series
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
#: How often the store is rolled up, and trimmed.
ROLL_UP_SECONDS, TRIM_SECONDS = MINUTE, HOUR
#: Series in the whole store, and of one metric; what is beyond becomes `__other__`.
MAX_SERIES, MAX_SERIES_OF_NAME = 20_000, 2_500
OTHER = "__other__"
#: Series of one process are many and soon dead: no more is kept of them than minutes.
EPHEMERAL_LABEL, EPHEMERAL_LEVEL = "process.pid", LEVELS[1]
#: How long a series is shown as alive without being written.
ALIVE_SECONDS = DAY


@dataclasses.dataclass(frozen=True, slots=True)
class Keep:
    """How many samples of one key are kept: the weightiest of each so many seconds."""

    count: int
    of_seconds: int
    keep: int


SAMPLES: Final = {
    "request": Keep(5, HOUR, 3 * DAY),
    "statement": Keep(2, 7 * DAY, 90 * DAY),
    "repeated": Keep(10, DAY, 14 * DAY),
    "deploy": Keep(20, DAY, 730 * DAY),
}
#: What is kept of any other kind.
SAMPLES_OF_OTHERS: Final = Keep(5, HOUR, 7 * DAY)


def keep_of(kind: str) -> Keep:
    """How many samples of a kind are kept, and for how long."""
    return SAMPLES.get(kind, SAMPLES_OF_OTHERS)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """
    Which points to read.

    Args:
        name: the metric.
        start, end: Unix seconds; from `start` up to, not including, `end`.
        by: the labels to group by; the rest are added up.
        where: only series whose labels have these values, or one of several.
        step: the length in seconds of the windows to give, a multiple of a level's;
            None takes the finest one that covers the whole range.
        buckets: whether quantiles will be asked for; without, reading is much cheaper.
    """

    name: str
    start: float
    end: float
    by: tuple[str, ...] = ()
    where: Mapping[str, str | Collection[str]] = dataclasses.field(default_factory=dict)
    step: int | None = None
    buckets: bool = True

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels is asked for."""
        for name, wanted in self.where.items():
            value = labels.get(name, "")
            if value != wanted if isinstance(wanted, str) else value not in wanted:
                return False
        return True


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
    def total(self, query: Query) -> dict[Group, Point]:
        """
        Add up the whole range: one point a group.

        Reads coarse windows wherever the range holds whole ones, so that 90 days cost
        little more than a day. Where the finer windows are gone, a coarse one at the
        start is taken whole.
        """

    @abc.abstractmethod
    def cumulative(self, names: Collection[str] | None = None) -> dict[Series, Point]:
        """
        Give everything since each series began, of those written within a day.

        It only grows, whichever processes came and went: what a scraper wants.
        """

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
    def keep_house(self, now: float) -> bool:
        """
        Roll up and trim if that is due and nobody else is at it; True if it was done.

        Any number of processes may ask as often as they like.
        """

    @abc.abstractmethod
    def size(self) -> int:
        """How many bytes the store takes."""

    @abc.abstractmethod
    def written_at(self) -> float | None:
        """When the last batch was written, in Unix seconds; None when none ever was."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of files and connections."""

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
    """The level that gives the windows asked for, or some 300 when none were."""
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


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """The windows of one level from `start` up to, not including, `end`."""

    level: Level
    start: int
    end: int


def segments(
    start: float,
    end: float,
    marks: Mapping[int, int],
    now: float,
    coarsest: Level = LEVELS[-1],
) -> list[Segment]:
    """
    Cut a range into whole windows, the coarsest that fit: pure, and each instant once.

    Args:
        marks: up to where each level's windows are rolled up, by their length.
        coarsest: the level above which nothing is read, or kept.
    """
    index = LEVELS.index(coarsest)
    if coarsest is not LEVELS[-1]:
        start = max(start, now - coarsest.keep)
    return list(_cut(index, int(start), int(end), marks, now))


def _cut(
    index: int, start: int, end: int, marks: Mapping[int, int], now: float
) -> Iterator[Segment]:
    level = LEVELS[index]
    window = level.window
    if index == 0:
        if start < end:
            yield Segment(level, start // window * window, end)
        return
    finer = LEVELS[index - 1]
    # Where the finer windows are gone, the coarse one that holds the start is taken.
    has_finer = start >= now - finer.keep - finer.window
    first = -(-start // window) * window if has_finer else start // window * window
    # A window that is being filled is whole as far as it is rolled up.
    last = marks[window] if end >= marks[window] else end // window * window
    if first >= last:
        yield from _cut(index - 1, start, end, marks, now)
        return
    if start < first:
        yield from _cut(index - 1, start, first, marks, now)
    yield Segment(level, first, last)
    if last < end:
        yield from _cut(index - 1, last, end, marks, now)
