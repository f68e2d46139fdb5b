"""What the SQL stores share: tables, merging under one writer's lock, roll-up."""

from __future__ import annotations

import abc
import contextlib
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from spotter.entries import Batch, Labels, Point, Sample, Series
from spotter.stores.contract import (
    GRACE_SECONDS,
    HOUR,
    LEVELS,
    REMEMBER_BATCHES_SECONDS,
    SAMPLES_PER_HOUR,
    Group,
    Level,
    Query,
    Store,
    level_for,
)

Row = Sequence[Any]
#: Runs one statement and gives all its rows.
Execute = Callable[..., list[Any]]
#: One point's place: series and the start of its window.
Key = tuple[int, int]

COLUMNS = "count, sum, minimum, maximum, zeros, last, last_at, buckets"
SCHEMA_VERSION = 1
#: Series looked up, trimmed or rolled up in one go, so that no lock is held for long.
CHUNK = 200


def table(level: Level) -> str:
    """The table that holds a level's points."""
    return f"spotter_points_{level.window}"


def row_of(point: Point) -> tuple[Any, ...]:
    """
    A point as the columns of COLUMNS.

    What its kind does not use is NULL, which takes no room: of a counter's row there
    is little left but its sum, and most rows are counters'.
    """
    bounded = point.minimum <= point.maximum
    return (
        point.count,
        point.sum,
        point.minimum if bounded else None,
        point.maximum if bounded else None,
        point.zeros or None,
        point.last if point.last_at else None,
        point.last_at or None,
        point.encode() or None,
    )


def point_of(row: Row) -> Point:
    """The inverse of `row_of`."""
    point = Point()
    point.count, point.sum = row[0], row[1]
    if row[2] is not None:
        point.minimum, point.maximum = row[2], row[3]
    point.zeros, point.last, point.last_at = row[4] or 0, row[5] or 0.0, row[6] or 0.0
    if row[7] is not None:
        point.decode(bytes(row[7]))
    return point


class SqlStore(Store):
    """
    A store in tables of its own, correct with any number of writing processes.

    Every write is one transaction that first takes the store's only writer's lock, so
    that reading a point, adding to it and writing it back can't lose another's. A
    batch's id is inserted in the same transaction: written twice, it counts once.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._ids: dict[Series, int] = {}
        self._generation = -1

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
        ids = self._series_ids(execute, {series for series, _ in batch.points})
        marks = self._watermarks(execute)
        for level in LEVELS:
            points: dict[Key, Point] = {}
            for (series, at), point in batch.points.items():
                # What has been rolled up already gets late data on every level.
                if level is LEVELS[0] or at < marks[level.window]:
                    key = (ids[series], at // level.window * level.window)
                    points.setdefault(key, Point()).merge(point)
            self._merge(execute, level, points)

    def _merge(self, execute: Execute, level: Level, points: dict[Key, Point]) -> None:
        """Add points to what the level has; the caller holds the writer's lock."""
        keys = list(points)
        for start in range(0, len(keys), CHUNK):
            part = keys[start : start + CHUNK]
            # A join, since SQLite scans the whole table for a row value IN (VALUES …).
            rows = execute(
                f"WITH k (series, start) AS (VALUES {', '.join(['(?, ?)'] * len(part))}) "
                f"SELECT series_id, starts_at, {COLUMNS} FROM k "
                f"CROSS JOIN {table(level)} p "
                "WHERE p.series_id = k.series AND p.starts_at = k.start",
                [number for key in part for number in key],
            )
            for row in rows:
                points[(row[0], row[1])].merge(point_of(row[2:]))
        names = [name.strip() for name in COLUMNS.split(",")]
        self.many(
            execute,
            f"INSERT INTO {table(level)} (series_id, starts_at, {COLUMNS}) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (series_id, starts_at) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in names),
            [(*key, *row_of(point)) for key, point in sorted(points.items())],
        )

    def _series_ids(self, execute: Execute, wanted: set[Series]) -> dict[Series, int]:
        """The ids of series, made where they are new."""
        generation = execute("SELECT value FROM spotter_meta WHERE name = 'generation'")
        if generation[0][0] != self._generation:
            # Trimming has deleted series: an id that is remembered may be gone.
            self._ids.clear()
            self._generation = generation[0][0]
        for series in sorted(
            wanted - self._ids.keys(), key=lambda s: (s.name, s.labels)
        ):
            labels = orjson.dumps(series.labels).decode()
            found = execute(
                "INSERT INTO spotter_series (name, labels) VALUES (?, ?) "
                "ON CONFLICT (name, labels) DO UPDATE SET name = excluded.name "
                "RETURNING id",
                (series.name, labels),
            )
            self._ids[series] = found[0][0]
        return self._ids

    def _watermarks(self, execute: Execute) -> dict[int, int]:
        """Up to where each level has been rolled up from the finer one."""
        rows = execute(
            "SELECT name, value FROM spotter_meta WHERE name LIKE 'rolled_%'"
        )
        marks = {int(name.removeprefix("rolled_")): value for name, value in rows}
        return {level.window: marks.get(level.window, 0) for level in LEVELS}

    def _write_samples(self, execute: Execute, samples: list[Sample]) -> None:
        self.many(
            execute,
            "INSERT INTO spotter_samples (kind, key, hour, at, weight, body) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [
                (s.kind, s.key, int(s.at) // HOUR, s.at, s.weight, orjson.dumps(s.body))
                for s in samples
            ],
        )
        # Keep the weightiest of each kind, key and hour.
        for kind, key, hour in sorted(
            {(s.kind, s.key, int(s.at) // HOUR) for s in samples}
        ):
            execute(
                "DELETE FROM spotter_samples WHERE kind = ? AND key = ? AND hour = ? "
                "AND id NOT IN (SELECT id FROM spotter_samples WHERE kind = ? AND "
                "key = ? AND hour = ? ORDER BY weight DESC, id LIMIT ?)",
                (kind, key, hour, kind, key, hour, SAMPLES_PER_HOUR),
            )

    def range(self, query: Query) -> dict[Group, dict[int, Point]]:
        level = level_for(query, self._clock())
        step = query.step or level.window
        groups: dict[Group, dict[int, Point]] = defaultdict(dict)
        with self.transaction(write=False) as execute:
            matching = self._matching(execute, query)
            marks = self._watermarks(execute)
            for series_id, at, point in self._read(
                execute, level, query, matching, marks
            ):
                points = groups[matching[series_id].group(query.by)]
                points.setdefault(at // step * step, Point()).merge(point)
        return {group: dict(sorted(points.items())) for group, points in groups.items()}

    def _matching(self, execute: Execute, query: Query) -> dict[int, Series]:
        """The series that the query asks for, by id."""
        rows = execute(
            "SELECT id, labels FROM spotter_series WHERE name = ?", (query.name,)
        )
        wanted = query.where.items()
        series = {row[0]: Series(query.name, labels_of(row[1])) for row in rows}
        return {id_: s for id_, s in series.items() if wanted <= dict(s.labels).items()}

    def _read(
        self,
        execute: Execute,
        level: Level,
        query: Query,
        matching: dict[int, Series],
        marks: dict[int, int],
    ) -> Iterable[tuple[int, int, Point]]:
        """Rows of the level as far as it is rolled up, then of the finer ones."""
        start, ids = query.start, list(matching)
        for each in reversed(LEVELS[: LEVELS.index(level) + 1]):
            finest = each is LEVELS[0]
            end = query.end if finest else min(query.end, marks[each.window])
            for chunk in range(0, len(ids), CHUNK):
                part = ids[chunk : chunk + CHUNK]
                rows = execute(
                    f"SELECT series_id, starts_at, {COLUMNS} FROM {table(each)} "
                    f"WHERE series_id IN ({', '.join('?' * len(part))}) "
                    "AND starts_at >= ? AND starts_at < ?",
                    (*part, start // each.window * each.window, end),
                )
                for row in rows:
                    yield row[0], row[1], point_of(row[2:])
            start = max(start, end)

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
            Sample(
                kind=k, key=key_, at=at, weight=weight, body=orjson.loads(bytes(body))
            )
            for k, key_, at, weight, body in rows
        ]

    def roll_up(self, now: float) -> None:
        for finer, coarser in itertools.pairwise(LEVELS):
            until = int(now - GRACE_SECONDS) // coarser.window * coarser.window
            # One window a transaction: writers wait for milliseconds, not for all.
            while self._roll_up_window(finer, coarser, until):
                pass

    def _roll_up_window(self, finer: Level, coarser: Level, until: int) -> bool:
        """Roll up the next window; False when there is none before `until`."""
        with self.transaction(write=True) as execute:
            mark = self._watermarks(execute)[coarser.window]
            first = execute(
                f"SELECT MIN(p.starts_at) FROM spotter_series s JOIN {table(finer)} p "
                "ON p.series_id = s.id AND p.starts_at >= ? AND p.starts_at < ?",
                (mark, until),
            )[0][0]
            if first is None:
                self._set(execute, f"rolled_{coarser.window}", max(mark, until))
                return False
            start = first // coarser.window * coarser.window
            end = start + coarser.window
            rows = execute(
                f"SELECT p.series_id, {COLUMNS} FROM spotter_series s "
                f"JOIN {table(finer)} p ON p.series_id = s.id "
                "AND p.starts_at >= ? AND p.starts_at < ?",
                (start, end),
            )
            points: dict[Key, Point] = {}
            for row in rows:
                points.setdefault((row[0], start), Point()).merge(point_of(row[1:]))
            self._merge(execute, coarser, points)
            self._set(execute, f"rolled_{coarser.window}", end)
        return True

    def _set(self, execute: Execute, name: str, value: int) -> None:
        execute(
            "INSERT INTO spotter_meta (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def trim(self, now: float) -> int:
        with self.transaction(write=False) as execute:
            ids = [row[0] for row in execute("SELECT id FROM spotter_series")]
        deleted = 0
        for level in LEVELS:
            for start in range(0, len(ids), CHUNK):
                chunk = ids[start : start + CHUNK]
                deleted += self._trim_points(level, chunk, int(now - level.keep))
        return deleted + self._trim_rest(now)

    def _trim_points(self, level: Level, ids: list[int], before: int) -> int:
        """Delete some series' old points in a transaction of their own."""
        with self.transaction(write=True) as execute:
            return sum(
                len(
                    execute(
                        f"DELETE FROM {table(level)} WHERE series_id = ? "
                        "AND starts_at < ? RETURNING 1",
                        (id_, before),
                    )
                )
                for id_ in ids
            )

    def _trim_rest(self, now: float) -> int:
        """Delete old batch ids and samples, and series that have no point left."""
        nowhere = " AND ".join(
            f"NOT EXISTS (SELECT 1 FROM {table(level)} p WHERE p.series_id = s.id)"
            for level in LEVELS
        )
        with self.transaction(write=True) as execute:
            old = now - REMEMBER_BATCHES_SECONDS
            execute("DELETE FROM spotter_batches WHERE written_at < ?", (old,))
            samples = execute(
                "DELETE FROM spotter_samples WHERE at < ? RETURNING 1",
                (now - LEVELS[2].keep,),
            )
            empty = execute(
                "DELETE FROM spotter_series WHERE id IN "
                f"(SELECT s.id FROM spotter_series s WHERE {nowhere}) RETURNING id"
            )
            if empty:
                execute(
                    "UPDATE spotter_meta SET value = value + 1 WHERE name = 'generation'"
                )
        return len(samples) + len(empty)


def labels_of(text: str) -> Labels:
    """Labels as they were written."""
    return tuple((name, value) for name, value in orjson.loads(text))


def schema(*, serial: str, blob: str, real: str, big: str, suffix: str) -> list[str]:
    """The statements that make the tables, in one dialect."""
    return [
        f"CREATE TABLE IF NOT EXISTS spotter_meta (name TEXT PRIMARY KEY, value {big} NOT NULL)",
        f"CREATE TABLE IF NOT EXISTS spotter_series (id {serial}, name TEXT NOT NULL, "
        "labels TEXT NOT NULL, UNIQUE (name, labels))",
        f"CREATE TABLE IF NOT EXISTS spotter_batches (id TEXT PRIMARY KEY, written_at {real} NOT NULL)",
        f"CREATE TABLE IF NOT EXISTS spotter_samples (id {serial}, kind TEXT NOT NULL, "
        f"key TEXT NOT NULL, hour {big} NOT NULL, at {real} NOT NULL, "
        f"weight {real} NOT NULL, body {blob} NOT NULL)",
        # The keeping of the weightiest, and a key's examples on its page.
        "CREATE INDEX IF NOT EXISTS spotter_samples_by_key ON spotter_samples (kind, key, hour)",
        # The latest examples of a kind.
        "CREATE INDEX IF NOT EXISTS spotter_samples_by_time ON spotter_samples (kind, at)",
        *(
            f"CREATE TABLE IF NOT EXISTS {table(level)} (series_id {big} NOT NULL, "
            f"starts_at {big} NOT NULL, count {big} NOT NULL, sum {real} NOT NULL, "
            f"minimum {real}, maximum {real}, zeros {big}, "
            f"last {real}, last_at {real}, buckets {blob}, "
            f"PRIMARY KEY (series_id, starts_at)){suffix}"
            for level in LEVELS
        ),
        "INSERT INTO spotter_meta (name, value) VALUES ('generation', 0) ON CONFLICT DO NOTHING",
        f"INSERT INTO spotter_meta (name, value) VALUES ('schema', {SCHEMA_VERSION}) "
        "ON CONFLICT DO NOTHING",
    ]
