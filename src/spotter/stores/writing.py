"""How a batch is added to the tables of an SQL store, under one writer's lock."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from spotter.entries import FAILED_WEIGHT, Batch, Point, Sample
from spotter.stores.catalogue import HOMELESS
from spotter.stores.contract import (
    BESIDES_FAILED,
    LADDERS,
    Level,
    keep_of,
    ladder_of,
)
from spotter.stores.rows import (
    COLUMNS,
    ROWS_AT_ONCE,
    UNREADABLE,
    flat,
    marks,
    packed,
    parts,
    pass_over,
    row_of,
)
from spotter.stores.schema import Execute, table
from spotter.stores.tables import Key, Tables, add, listed


class Writing(Tables):
    """
    Adds what was measured to what there is.

    Every write is one transaction that first takes the store's only writer's lock, so
    that reading a point, adding to it and writing it back can't lose another's. A
    batch's id is inserted in the same transaction: written twice, it counts once.
    """

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
        homeless = ids.get(HOMELESS)
        of: dict[int, list[tuple[int, int, Point]]] = defaultdict(list)
        totals: dict[int, Point] = {}
        for (series, at), given in batch.points.items():
            id_, ladder, point = ids[series], ladder_of(series), given
            if id_ == homeless and series != HOMELESS:
                ladder, point = ladder_of(HOMELESS), number_of(given)
            of[id(ladder)].append((id_, at, point))
            add(totals, id_, point)
        for ladder in LADDERS:
            mine = of[id(ladder)]
            if not mine:
                continue
            marks = self._watermarks(execute, ladder)
            for level in ladder:
                points: dict[Key, Point] = {}
                for id_, at, point in mine:
                    # What has been rolled up already gets late data on every level.
                    if level is ladder[0] or at < marks[level.window]:
                        key = (at // level.window * level.window, id_)
                        add(points, key, point)
                self._merge(execute, level, points)
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
        """Insert rows, or add them to those there are, all in one statement."""
        conflict = "starts_at, series_id" if key[0] == "starts_at" else "series_id"
        sets = self.sums(name)
        if "updated_at" in key:
            sets = f"updated_at = excluded.updated_at, {sets}"
        execute(
            f"INSERT INTO {name} ({', '.join(key)}, {COLUMNS}) VALUES {marks(rows)} "
            f"ON CONFLICT ({conflict}) DO UPDATE SET {sets}",
            flat(rows),
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

    def _write_samples(self, execute: Execute, samples: list[Sample]) -> None:
        places: dict[str, set[tuple[str, int]]] = defaultdict(set)
        rows = []
        for each in samples:
            hour = int(each.at) // keep_of(each.kind).of_seconds
            places[each.kind].add((each.key, hour))
            body = packed(each.body)
            rows.append((each.kind, each.key, hour, each.at, each.weight, body))
        for part in parts(rows, ROWS_AT_ONCE):
            execute(
                "INSERT INTO spotter_samples (kind, key, hour, at, weight, body) "
                f"VALUES {marks(part)}",
                flat(part),
            )
        for kind, of_kind in sorted(places.items()):
            self._keep_weightiest(execute, kind, sorted(of_kind))

    def _keep_weightiest(
        self, execute: Execute, kind: str, places: list[tuple[str, int]]
    ) -> None:
        """
        Delete all samples but the weightiest of each key and time.

        Failures weigh more than anything else: however many there are, a few of the
        rest are kept beside them.
        """
        failed = f"CASE WHEN weight >= {FAILED_WEIGHT} THEN 1 ELSE 0 END"
        for part in parts(places, ROWS_AT_ONCE):
            execute(
                f"WITH places (key, hour) AS (VALUES {marks(part)}) "
                "DELETE FROM spotter_samples WHERE id IN (SELECT id FROM ("
                f"SELECT id, {failed} AS failed, ROW_NUMBER() OVER (PARTITION BY "
                "p.key, p.hour ORDER BY weight DESC, id) AS rank, ROW_NUMBER() OVER "
                f"(PARTITION BY p.key, p.hour, {failed} ORDER BY weight DESC, id) "
                "AS rank_beside FROM places p CROSS JOIN spotter_samples s "
                "WHERE s.kind = ? AND s.key = p.key AND s.hour = p.hour"
                ") AS ranked WHERE rank > ? AND (failed = 1 OR rank_beside > ?))",
                (*flat(part), kind, keep_of(kind).count, BESIDES_FAILED),
            )


def number_of(point: Point) -> Point:
    """A counter of what a point was made of."""
    counted = Point()
    counted.count = point.count
    counted.sum = float(point.count)
    return counted


def with_buckets(point: Point, data: bytes) -> Point:
    """A copy of a point with encoded buckets added; the point itself stays as it is."""
    total = Point()
    total.merge(point)
    try:
        total.decode(data)
    except UNREADABLE:
        pass_over("a point's buckets")  # What is written now takes their place.
    return total
