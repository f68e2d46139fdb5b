"""What the SQL stores share: merging under one writer's lock, reading, roll-up."""

from __future__ import annotations

import abc
import contextlib
import itertools
import time
from collections import defaultdict
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any

from spotter.entries import Batch, Point, Sample, Series
from spotter.histograms import BucketSum
from spotter.stores.catalogue import Catalogue, by_coarsest, is_ephemeral
from spotter.stores.contract import (
    ALIVE_SECONDS,
    GRACE_SECONDS,
    LEVELS,
    MINUTE,
    REMEMBER_BATCHES_SECONDS,
    ROLL_UP_SECONDS,
    SAMPLES,
    SAMPLES_OF_OTHERS,
    TRIM_SECONDS,
    Group,
    Level,
    Query,
    Segment,
    Store,
    keep_of,
    level_for,
    segments,
)
from spotter.stores.rows import (
    COLUMNS,
    PointSum,
    Row,
    labels_of,
    packed,
    point_of,
    row_of,
    unpacked,
)
from spotter.stores.schema import Execute, table

#: One point's place: the start of its window and its series.
Key = tuple[int, int]

#: Ids in one statement.
CHUNK = 500
#: Rows written by one statement, half a megabyte when compiled. Fewer would be more
#: statements, and more chances to wait for the interpreter with the lock held.
ROWS_AT_ONCE = 250
#: Rows deleted in one transaction, so that no lock is held for long.
DELETE_AT_ONCE = 1000
#: Series up to which each point is looked up; above, all between them are read.
LOOK_UP = 120


class SqlStore(Store):
    """
    A store in tables of its own, correct with any number of writing processes.

    Every write is one transaction that first takes the store's only writer's lock, so
    that reading a point, adding to it and writing it back can't lose another's. A
    batch's id is inserted in the same transaction: written twice, it counts once.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._series = Catalogue()

    @abc.abstractmethod
    def transaction(self, *, write: bool) -> contextlib.AbstractContextManager[Execute]:
        """
        Run statements with `?` placeholders in one transaction.

        With `write`, nobody else writes until it ends. Failure raises
        StoreError and leaves nothing behind.
        """

    @abc.abstractmethod
    def many(
        self, execute: Execute, statement: str, rows: Iterable[Sequence[Any]]
    ) -> None:
        """Run one statement for many rows inside a transaction."""

    #: What SQL calls the smaller and the larger of two values.
    least, greatest = "MIN", "MAX"

    @abc.abstractmethod
    def buckets_of(self, execute: Execute, where: str) -> dict[int, bytes]:
        """The encoded buckets, by series, of a table's rows."""

    @abc.abstractmethod
    def look_up(self, level: Level, columns: str, starts: str, which: str) -> str:
        """A statement that looks some series up in each window, and scans nothing."""

    # Writing.

    def write(self, batch: Batch) -> bool:
        with self.transaction(write=True) as execute:
            inserted = execute(
                "INSERT INTO spotter_batches (id, written_at) VALUES (?, ?) "
                "ON CONFLICT DO NOTHING RETURNING id",
                (batch.id, self._clock()),
            )
            if not inserted:
                return False
            self._write_points(execute, batch)
            self._write_samples(execute, batch.samples)
        return True

    def _write_points(self, execute: Execute, batch: Batch) -> None:
        ids = self._series.ids(execute, {series for series, _ in batch.points})
        marks = self._watermarks(execute)
        for level in LEVELS:
            points: dict[Key, Point] = {}
            for (series, at), point in batch.points.items():
                # What has been rolled up already gets late data on every level.
                if level is LEVELS[0] or at < marks[level.window]:
                    key = (at // level.window * level.window, ids[series])
                    add(points, key, point)
            self._merge(execute, level, points)
        totals: dict[int, Point] = {}
        for (series, _), point in batch.points.items():
            add(totals, ids[series], point)
        self._merge_totals(execute, totals)

    def _merge(self, execute: Execute, level: Level, points: dict[Key, Point]) -> None:
        """Add points to what the level has; the caller holds the writer's lock."""
        by_start: dict[int, list[int]] = defaultdict(list)
        for start, id_ in sorted(points):
            by_start[start].append(id_)
        for start, ids in by_start.items():
            for part in parts(ids, ROWS_AT_ONCE):
                place = f"{table(level)} WHERE starts_at = {start} AND"
                mine = {id_: points[start, id_] for id_ in part}
                self._upsert(
                    execute,
                    table(level),
                    ("starts_at", "series_id"),
                    [
                        (start, id_, *row_of(point))
                        for id_, point in self._with_buckets(execute, place, mine)
                    ],
                )

    def _merge_totals(self, execute: Execute, totals: dict[int, Point]) -> None:
        """Add to what the series have had since they began."""
        now = self._clock()
        for part in parts(sorted(totals), ROWS_AT_ONCE):
            mine = {id_: totals[id_] for id_ in part}
            self._upsert(
                execute,
                "spotter_totals",
                ("series_id", "updated_at"),
                [
                    (id_, now, *row_of(point))
                    for id_, point in self._with_buckets(
                        execute, "spotter_totals WHERE", mine
                    )
                ],
            )

    def _with_buckets(
        self, execute: Execute, place: str, points: dict[int, Point]
    ) -> list[tuple[int, Point]]:
        """Points whose buckets are added to what there is; the rest is SQL's to add."""
        ids = [id_ for id_, point in points.items() if point.buckets]
        if not ids:
            return list(points.items())
        found = self.buckets_of(
            execute, f"{place} series_id IN ({listed(ids)}) AND buckets IS NOT NULL"
        )
        return [
            (id_, with_buckets(point, found[id_]) if id_ in found else point)
            for id_, point in points.items()
        ]

    def _upsert(
        self,
        execute: Execute,
        name: str,
        key: tuple[str, str],
        rows: list[tuple[Any, ...]],
    ) -> None:
        """
        Insert rows, or add them to those there are, all in one statement.

        Not one for each row: between two of SQLite's steps another thread may take the
        interpreter, and in a busy process it keeps it for milliseconds, while every
        other process waits for the lock.
        """
        conflict = "starts_at, series_id" if key[0] == "starts_at" else "series_id"
        sets = self.sums(name)
        if "updated_at" in key:
            sets = f"updated_at = excluded.updated_at, {sets}"
        values = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(rows))
        execute(
            f"INSERT INTO {name} ({', '.join(key)}, {COLUMNS}) VALUES {values} "
            f"ON CONFLICT ({conflict}) DO UPDATE SET {sets}",
            [value for row in rows for value in row],
        )

    def sums(self, name: str) -> str:
        """How a row is added to the one there is."""
        old, new = f"{name}.", "excluded."
        return ", ".join((
            f"count = {old}count + {new}count",
            f"sum = {old}sum + {new}sum",
            *(
                f"{each} = COALESCE({how}({old}{each}, {new}{each}), {old}{each}, {new}{each})"
                for each, how in (("minimum", self.least), ("maximum", self.greatest))
            ),
            f"zeros = COALESCE({old}zeros, 0) + COALESCE({new}zeros, 0)",
            f"last = CASE WHEN {new}last_at >= COALESCE({old}last_at, 0) "
            f"THEN {new}last ELSE {old}last END",
            f"last_at = COALESCE({self.greatest}({old}last_at, {new}last_at), "
            f"{old}last_at, {new}last_at)",
            f"buckets = COALESCE({new}buckets, {old}buckets)",
        ))  # fmt: skip

    def _watermarks(self, execute: Execute) -> dict[int, int]:
        """Up to where each level has been rolled up from the finer one."""
        rows = execute(
            "SELECT name, value FROM spotter_meta WHERE name LIKE 'rolled_%'"
        )
        marks = {int(name.removeprefix("rolled_")): value for name, value in rows}
        return {level.window: marks.get(level.window, 0) for level in LEVELS}

    def _write_samples(self, execute: Execute, samples: list[Sample]) -> None:
        rows = [
            (s.kind, s.key, int(s.at) // keep_of(s.kind).of_seconds, s) for s in samples
        ]
        self.many(
            execute,
            "INSERT INTO spotter_samples (kind, key, hour, at, weight, body) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [
                (kind, key, time_, s.at, s.weight, packed(s.body))
                for kind, key, time_, s in rows
            ],
        )
        # Keep the weightiest of each kind, key and time.
        for kind, key, time_ in sorted({row[:3] for row in rows}):
            execute(
                "DELETE FROM spotter_samples WHERE kind = ? AND key = ? AND hour = ? "
                "AND id NOT IN (SELECT id FROM spotter_samples WHERE kind = ? AND "
                "key = ? AND hour = ? ORDER BY weight DESC, id LIMIT ?)",
                (kind, key, time_, kind, key, time_, keep_of(kind).count),
            )

    # Reading.

    def range(self, query: Query) -> dict[Group, dict[int, Point]]:
        level = level_for(query, self._clock())
        step = query.step or level.window
        sums: dict[Group, dict[int, PointSum]] = defaultdict(dict)
        with self.transaction(write=False) as execute:
            matching = self._series.matching(execute, query)
            marks = self._watermarks(execute)
            named = {id_: series.group(query.by) for id_, series in matching.items()}
            for segment in whole_windows(level, query, marks):
                rows = self._rows(execute, segment, f"starts_at, {COLUMNS}", named)
                for id_, at, *row in rows:
                    points, start = sums[named[id_]], at // step * step
                    if start not in points:
                        points[start] = PointSum()
                    points[start].add(row)
        return {
            group: {start: points[start].point() for start in sorted(points)}
            for group, points in sums.items()
        }

    def total(self, query: Query) -> dict[Group, Point]:
        groups: dict[Group, Point] = {}
        with self.transaction(write=False) as execute:
            matching, now = self._series.matching(execute, query), self._clock()
            marks = self._watermarks(execute)
            for coarsest, named in by_coarsest(matching, query.by):
                for segment in segments(query.start, query.end, marks, now, coarsest):
                    self._add_sums(execute, segment, named, groups)
                    if query.buckets:
                        self._add_buckets(execute, segment, named, groups)
        return groups

    def _add_sums(
        self,
        execute: Execute,
        segment: Segment,
        named: dict[int, Group],
        groups: dict[Group, Point],
    ) -> None:
        """Let the database add up all that is not a bucket."""
        gauges = False
        for id_, *row in self._rows(execute, segment, SUMS, named, group=True):
            add(groups, named[id_], point_of((*row[:5], None, row[5], None)))
            gauges = gauges or row[5] is not None
        if not gauges:
            return
        for id_, last, last_at in self._rows(execute, segment, "last, last_at", named):
            point = groups[named[id_]]
            if last_at is not None and last_at >= point.last_at:
                point.last, point.last_at = last, last_at

    def _add_buckets(
        self,
        execute: Execute,
        segment: Segment,
        named: dict[int, Group],
        groups: dict[Group, Point],
    ) -> None:
        sums: dict[Group, BucketSum] = defaultdict(BucketSum)
        for id_, buckets in self._rows(execute, segment, "buckets", named):
            if buckets is not None:
                sums[named[id_]].add(bytes(buckets))
        for group, total in sums.items():
            total.add_to(groups[group])

    def _rows(
        self,
        execute: Execute,
        segment: Segment,
        columns: str,
        ids: Mapping[int, object],
        *,
        group: bool = False,
    ) -> Iterator[Row]:
        """Rows of some series in a stretch of time: series id, then the columns."""
        if not ids:
            return
        end = " GROUP BY series_id" if group else ""
        starts = windows_of(segment.level)
        # All of a metric's series lie side by side; of a few, each is looked up.
        is_few = len(ids) <= LOOK_UP
        which = (
            f"IN ({listed(list(ids))})"
            if is_few
            else f"BETWEEN {min(ids)} AND {max(ids)}"
        )
        rows = execute(
            self.look_up(segment.level, columns, starts, which) + end,
            (segment.start, segment.end),
        )
        yield from rows if is_few else (row for row in rows if row[0] in ids)

    def cumulative(self, names: Collection[str] | None = None) -> dict[Series, Point]:
        named = (
            "" if names is None else f"AND s.name IN ({', '.join('?' * len(names))}) "
        )
        with self.transaction(write=False) as execute:
            rows = execute(
                f"SELECT s.name, s.labels, {COLUMNS} FROM spotter_totals t "
                "JOIN spotter_series s ON s.id = t.series_id "
                f"WHERE t.updated_at >= ? {named}",
                (self._clock() - ALIVE_SECONDS, *(names or ())),
            )
        return {Series(row[0], labels_of(row[1])): point_of(row[2:]) for row in rows}

    def samples(
        self, kind: str, *, key: str | None = None, since: float = 0, limit: int = 50
    ) -> list[Sample]:
        of_key = "" if key is None else "AND key = ? "
        with self.transaction(write=False) as execute:
            rows = execute(
                "SELECT kind, key, at, weight, body FROM spotter_samples "
                f"WHERE kind = ? {of_key}AND at >= ? ORDER BY at DESC, id DESC LIMIT ?",
                (kind, *(() if key is None else (key,)), since, limit),
            )
        return [
            Sample(kind=k, key=key_, at=at, weight=weight, body=unpacked(bytes(body)))
            for k, key_, at, weight, body in rows
        ]

    def written_at(self) -> float | None:
        with self.transaction(write=False) as execute:
            found = execute("SELECT MAX(written_at) FROM spotter_batches")[0][0]
        return None if found is None else float(found)

    # House-keeping.

    def keep_house(self, now: float) -> bool:
        if not self._claim("house_kept", now, ROLL_UP_SECONDS):
            return False
        self.roll_up(now)
        if self._claim("trimmed", now, TRIM_SECONDS):
            self.trim(now)
        return True

    def _claim(self, duty: str, now: float, every_seconds: int) -> bool:
        """Take a duty on if it is due; of several that ask, one gets it."""
        # The clock may have been set back: what was done in the future is due too.
        due = "name = ? AND (value <= ? OR value > ?)"
        asked = (duty, int(now) - every_seconds, int(now) + every_seconds)
        with self.transaction(write=False) as execute:
            if not execute(f"SELECT 1 FROM spotter_meta WHERE {due}", asked):
                return False
        with self.transaction(write=True) as execute:
            return bool(
                execute(
                    f"UPDATE spotter_meta SET value = ? WHERE {due} RETURNING value",
                    (int(now), *asked),
                )
            )

    def roll_up(self, now: float) -> None:
        for finer, coarser in itertools.pairwise(LEVELS):
            # One window a transaction: writers wait for milliseconds, not for all.
            while self._roll_up_some(finer, coarser, now):
                pass

    def _roll_up_some(self, finer: Level, coarser: Level, now: float) -> bool:
        """Roll up what is new of the next window; False when nothing more is."""
        with self.transaction(write=True) as execute:
            marks = self._watermarks(execute)
            mark = marks[coarser.window]
            until = int(now - GRACE_SECONDS) // finer.window * finer.window
            if finer is not LEVELS[0]:
                # A finer window that is still being filled is not taken yet.
                until = min(until, marks[finer.window] // finer.window * finer.window)
            found = execute(
                f"SELECT MIN(starts_at) FROM {table(finer)} "
                "WHERE starts_at >= ? AND starts_at < ?",
                (mark, until),
            )[0][0]
            if found is None:
                self._set_mark(execute, coarser, max(mark, until))
                return False
            start = found // coarser.window * coarser.window
            end = min(start + coarser.window, until)
            self._fold(execute, finer, coarser, start, (max(mark, found), end))
            self._set_mark(execute, coarser, end)
        return True

    def _fold(
        self,
        execute: Execute,
        finer: Level,
        coarser: Level,
        start: int,
        stretch: tuple[int, int],
    ) -> None:
        """Add some finer windows to the coarser one that begins at `start`."""
        found = execute(
            f"SELECT DISTINCT p.series_id, s.labels FROM {table(finer)} p "
            "JOIN spotter_series s ON s.id = p.series_id "
            "WHERE p.starts_at >= ? AND p.starts_at < ?",
            stretch,
        )
        is_coarse = coarser.window > MINUTE
        ids = [id_ for id_, labels in found if not (is_coarse and is_ephemeral(labels))]
        starts = windows_of(finer)
        for part in parts(ids):
            few = f"IN ({listed(part)})"
            sums: dict[Key, PointSum] = defaultdict(PointSum)
            for id_, *row in execute(
                self.look_up(finer, COLUMNS, starts, few), stretch
            ):
                sums[start, id_].add(row)
            points = {key: total.point() for key, total in sums.items()}
            self._merge(execute, coarser, points)

    def _set_mark(self, execute: Execute, level: Level, value: int) -> None:
        execute(
            "INSERT INTO spotter_meta (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (f"rolled_{level.window}", value),
        )

    def trim(self, now: float) -> int:
        deleted = 0
        for level in LEVELS:
            while count := self._trim_points(level, int(now - level.keep)):
                deleted += count
        return deleted + self._trim_rest(now)

    def _trim_points(self, level: Level, before: int) -> int:
        """Delete some points of the oldest window in a transaction of their own."""
        with self.transaction(write=True) as execute:
            oldest = execute(f"SELECT MIN(starts_at) FROM {table(level)}")[0][0]
            if oldest is None or oldest >= before:
                return 0
            gone = execute(
                f"DELETE FROM {table(level)} WHERE starts_at = ? AND series_id IN "
                f"(SELECT series_id FROM {table(level)} WHERE starts_at = ? LIMIT ?) "
                "RETURNING 1",
                (oldest, oldest, DELETE_AT_ONCE),
            )
        return len(gone)

    def _trim_rest(self, now: float) -> int:
        """Delete old batch ids and samples, and series that have no point left."""
        with self.transaction(write=True) as execute:
            old = now - REMEMBER_BATCHES_SECONDS
            execute("DELETE FROM spotter_batches WHERE written_at < ?", (old,))
        gone = sum(
            self._trim_samples("kind = ?", (kind, now - keep.keep))
            for kind, keep in SAMPLES.items()
        )
        listed = ", ".join("?" * len(SAMPLES))
        others = (*SAMPLES, now - SAMPLES_OF_OTHERS.keep)
        gone += self._trim_samples(f"kind NOT IN ({listed})", others)
        return gone + self._trim_series(now)

    def _trim_samples(self, which: str, parameters: tuple[Any, ...]) -> int:
        with self.transaction(write=True) as execute:
            return len(
                execute(
                    f"DELETE FROM spotter_samples WHERE id IN (SELECT id FROM "
                    f"spotter_samples WHERE {which} AND at < ? LIMIT {DELETE_AT_ONCE}) "
                    "RETURNING 1",
                    parameters,
                )
            )

    def _trim_series(self, now: float) -> int:
        """Delete series whose last point is past its time on every level."""
        with self.transaction(write=True) as execute:
            rows = execute(
                "SELECT t.series_id, t.updated_at, s.labels FROM spotter_totals t "
                "JOIN spotter_series s ON s.id = t.series_id WHERE t.updated_at < ?",
                (now - LEVELS[1].keep - TRIM_SECONDS,),
            )
            longest = now - LEVELS[-1].keep - TRIM_SECONDS
            gone = [
                id_ for id_, at, labels in rows if at < longest or is_ephemeral(labels)
            ][:DELETE_AT_ONCE]
            for part in parts(gone):
                few = listed(part)
                execute(f"DELETE FROM spotter_totals WHERE series_id IN ({few})")
                execute(f"DELETE FROM spotter_series WHERE id IN ({few})")
            if gone:
                execute(
                    "UPDATE spotter_meta SET value = value + 1 WHERE name = 'generation'"
                )
        return len(gone)


SUMS = (
    "CAST(SUM(count) AS BIGINT), SUM(sum), MIN(minimum), MAX(maximum), "
    "CAST(SUM(zeros) AS BIGINT), MAX(last_at)"
)


def windows_of(level: Level) -> str:
    """The beginnings of a level's windows from one instant up to another."""
    return (
        "WITH RECURSIVE w (start) AS (SELECT CAST(? AS BIGINT) UNION ALL "
        f"SELECT start + {level.window} FROM w WHERE start + {level.window} < ?)"
    )


def add(points: dict[Any, Point], key: Any, point: Point) -> None:
    """Add a point to the one of its key; the first is taken as it is."""
    known = points.get(key)
    if known is None:
        points[key] = point
        return
    total = Point()
    total.merge(known)
    total.merge(point)
    points[key] = total


def with_buckets(point: Point, data: bytes) -> Point:
    """A copy of a point with encoded buckets added; the point itself stays as it is."""
    total = Point()
    total.merge(point)
    total.decode(data)
    return total


def parts(ids: Sequence[int], size: int = CHUNK) -> Iterator[Sequence[int]]:
    """Ids, not too many at once."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def listed(ids: Sequence[int]) -> str:
    """Ids of our own making as a list for IN."""
    return ", ".join(map(str, ids))


def whole_windows(
    level: Level, query: Query, marks: dict[int, int]
) -> Iterator[Segment]:
    """The level's windows as far as they are rolled up, then the finer levels'."""
    start = int(query.start)
    for each in reversed(LEVELS[: LEVELS.index(level) + 1]):
        is_finest = each is LEVELS[0]
        end = int(query.end if is_finest else min(query.end, marks[each.window]))
        if start < end:
            yield Segment(each, start // each.window * each.window, end)
            start = end
