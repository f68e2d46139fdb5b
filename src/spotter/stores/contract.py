"""What every store promises; tests/stores/test_contract.py runs it against each."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from spotter.catalog import METRICS
from spotter.entries import (
    DRILL_LABEL,
    DRILL_PREFIX,
    WINDOW_SECONDS,
    Batch,
    Point,
    Sample,
    Series,
)
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


class ConnectionLostError(StoreError):
    """The connection ended inside of a transaction; the next one makes another."""


class RefusedError(StoreError):
    """The database can never take these values: to try again would not help."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, retry=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """
    One resolution: windows of so many seconds, kept for so many.

    Args:
        kind: "points", "details" of statements, "probes" or "processes"; each lies in
            tables of its own.
    """

    window: int
    keep: int
    kind: str = "points"


MINUTE, HOUR, DAY = 60, 3600, 86400
#: From fine to coarse; each is rolled up into the next. Minutes are kept for a day and
#: what a rule looks back from its beginning: a second day would be a fifth of the store.
#: A quarter of an hour is what a day is drawn in, ten days what a quarter is added up of.
LEVELS: Final = (
    Level(WINDOW_SECONDS, HOUR),
    Level(MINUTE, 26 * HOUR),
    Level(15 * MINUTE, 26 * HOUR),
    Level(HOUR, 32 * DAY),
    Level(6 * HOUR, 92 * DAY),
    Level(DAY, 730 * DAY),
    Level(10 * DAY, 730 * DAY),
)
#: Those of statements and their callers, which are thousands: three times as many rows
#: as all the rest together, if they were kept as long. Their texts last for 90 days.
DETAILS: Final = (
    Level(MINUTE, 90 * MINUTE, "details"),
    Level(15 * MINUTE, 26 * HOUR, "details"),
    Level(6 * HOUR, 8 * DAY, "details"),
    Level(DAY, 92 * DAY, "details"),
    Level(10 * DAY, 102 * DAY, "details"),
)
#: Those of the few series that availability is told from, hour by hour.
PROBES: Final = (
    Level(WINDOW_SECONDS, HOUR, "probes"),
    Level(MINUTE, 26 * HOUR, "probes"),
    Level(HOUR, 92 * DAY, "probes"),
    Level(DAY, 730 * DAY, "probes"),
)
#: Those of one process, which are many and soon dead: a day is all that is drawn.
PROCESSES: Final = (
    Level(WINDOW_SECONDS, HOUR, "processes"),
    Level(MINUTE, 3 * HOUR, "processes"),
    Level(15 * MINUTE, 26 * HOUR, "processes"),
)
PROBED: Final = frozenset(("spotter.probe.success", "spotter.probe.failures"))
Ladder = tuple[Level, ...]
LADDERS: Final[tuple[Ladder, ...]] = (
    LEVELS,
    DETAILS,
    PROBES,
    PROCESSES,
)
#: How long after its end a window is rolled up; later writers reach both levels.
GRACE_SECONDS = 30
#: How long the ids of written batches are remembered.
REMEMBER_BATCHES_SECONDS = HOUR
#: How often the store is rolled up, and trimmed.
ROLL_UP_SECONDS, TRIM_SECONDS = MINUTE, HOUR
#: Series in the whole store, and of one metric; what is beyond becomes `__other__`.
MAX_SERIES, MAX_SERIES_OF_NAME = 20_000, 2_500
#: Metrics in the whole store besides Spotter's own.
MAX_METRICS = 2_000
OTHER = "__other__"
#: The labels of series that are many and soon dead.
BRIEF: Final = frozenset(("process.pid", DRILL_LABEL))
#: Windows of one series that a page reads when it names no step.
MAX_ROWS = 2200
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
    "statement": Keep(2, 14 * DAY, 90 * DAY),
    "repeated": Keep(10, DAY, 14 * DAY),
    "deploy": Keep(20, DAY, 730 * DAY),
}
#: Of these, so many that did not fail are kept whatever failed: what was slow, too.
BESIDES_FAILED = 2
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
        mean_above: of totals, only those groups whose mean is above: of thousands of
            which few are looked for, the rest is not even read.
    """

    name: str
    start: float
    end: float
    by: tuple[str, ...] = ()
    where: Mapping[str, str | Collection[str]] = dataclasses.field(default_factory=dict)
    step: int | None = None
    buckets: bool = True
    mean_above: float = 0.0

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

        Returns False, and changes nothing, when that batch was written before. One that
        can never be written raises RefusedError, or what is no StoreError.
        """

    @abc.abstractmethod
    def reading(self) -> contextlib.AbstractContextManager[None]:
        """
        Read everything inside at one instant, which is quicker, too.

        For some hundred milliseconds: other threads of this process wait meanwhile.
        Nothing may be written inside.
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
    def cumulative(
        self,
        names: Collection[str] | None = None,
        *,
        detailed: bool = True,
        alive_since: float = 0,
    ) -> dict[Series, Point]:
        """
        Give everything since each series began, of those written within a day.

        It only grows, whichever processes came and went: what a scraper wants.

        Args:
            names: of the metrics to give; None for all.
            detailed: whether those of statements are among them.
            alive_since: a process's own readings are not, where the last is older: of
                workers that are gone there may be thousands.
        """

    @abc.abstractmethod
    def samples(
        self,
        kind: str,
        *,
        key: str | None = None,
        since: float = 0,
        until: float | None = None,
        limit: int = 50,
        weight: float = 0,
    ) -> list[Sample]:
        """
        Give the kept samples, the latest first.

        Args:
            since, until: Unix seconds; from `since` up to, not including, `until`.
            limit: how many are given at most.
            weight: what each of them weighs at least.
        """

    @abc.abstractmethod
    def latest_samples(self, kind: str, keys: Collection[str]) -> dict[str, Sample]:
        """Give the latest kept sample of each key that has one."""

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

    def totals(self, queries: Sequence[Query]) -> list[dict[Group, Point]]:
        """The totals of several queries of one range, which have no buckets."""
        return [self.total(query) for query in queries]

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


def detailed_names() -> tuple[str, ...]:
    """Metrics that have a series for each statement."""
    return tuple(name for name, metric in METRICS.items() if metric.is_detailed)


def is_own(name: str) -> bool:
    """Whether a metric is one of Spotter's, or a drill's of one."""
    return name in METRICS or name.removeprefix(DRILL_PREFIX) in METRICS


def ladder_of(series: Series) -> Ladder:
    """The levels that a series is kept in, from fine to coarse."""
    for name, _ in series.labels:
        if name in BRIEF:
            return PROCESSES
    return ladder_of_metric(series.name)


@functools.lru_cache(maxsize=1024)
def ladder_of_metric(name: str) -> Ladder:
    """Those of a metric's series that are no single process's."""
    if name in PROBED:
        return PROBES
    metric = METRICS.get(name)
    return DETAILS if metric is not None and metric.is_detailed else LEVELS


def kept(ladder: Ladder, start: float, now: float) -> Ladder:
    """The levels that still have an instant; the coarsest at least."""
    # A window's slack: "the last 90 days" was asked for a moment ago.
    found = tuple(level for level in ladder if start >= now - level.keep - level.window)
    return found or ladder[-1:]


def level_for(query: Query, now: float, ladder: Ladder = LEVELS) -> Level:
    """
    The level that gives the windows asked for, or some 300 when none were.

    Where windows as fine as that are not kept any more, the finest that are.
    """
    levels = kept(ladder, query.start, now)
    if query.step is None:
        seconds = query.end - query.start
        light = (level for level in levels if seconds / level.window <= MAX_ROWS)
        return next(light, levels[-1])
    # Of those that give the same, the coarsest: a finer one costs more rows.
    fitting = [level for level in levels if query.step % level.window == 0]
    return fitting[-1] if fitting else levels[0]


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
    ladder: Ladder = LEVELS,
) -> list[Segment]:
    """
    Cut a range into whole windows, the coarsest that fit: pure, and each instant once.

    Args:
        marks: up to where each level's windows are rolled up, by their length.
        ladder: the levels that there are, from fine to coarse.
    """
    start = max(start, now - ladder[-1].keep)
    return list(_cut(ladder, int(start), int(end), marks, now))


def _cut(
    ladder: Ladder, start: int, end: int, marks: Mapping[int, int], now: float
) -> Iterator[Segment]:
    *rest, level = ladder
    finer_ones, window = tuple(rest), level.window
    if not finer_ones:
        if start < end:
            yield Segment(level, start // window * window, end)
        return
    finer = finer_ones[-1]
    # Where the finer windows are gone, the coarse one that holds the start is taken.
    has_finer = start >= now - finer.keep - finer.window
    first = -(-start // window) * window if has_finer else start // window * window
    # A window that is being filled is whole as far as it is rolled up.
    last = marks[window] if end >= marks[window] else end // window * window
    if first >= last:
        yield from _cut(finer_ones, start, end, marks, now)
        return
    if start < first:
        yield from _cut(finer_ones, start, first, marks, now)
    yield Segment(level, first, last)
    if last < end:
        yield from _cut(finer_ones, last, end, marks, now)
