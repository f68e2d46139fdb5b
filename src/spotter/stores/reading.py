"""How the tables of an SQL store are read, by the coarsest windows that will do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from spotter.entries import Point, Sample, Series
from spotter.histograms import BucketSum
from spotter.stores.catalogue import by_coarsest
from spotter.stores.contract import (
    ALIVE_SECONDS,
    LEVELS,
    Group,
    Level,
    Query,
    Segment,
    level_for,
    segments,
)
from spotter.stores.rows import (
    COLUMNS,
    PointSum,
    Row,
    labels_of,
    point_of,
    unpacked,
)
from spotter.stores.schema import Execute
from spotter.stores.tables import Tables, add, listed, windows_of

#: Series up to which each point is looked up; above, all between them are read.
LOOK_UP = 120
SUMS = (
    "CAST(SUM(count) AS BIGINT), SUM(sum), MIN(minimum), MAX(maximum), "
    "CAST(SUM(zeros) AS BIGINT), MAX(last_at)"
)


class Reading(Tables):
    """Gives points and samples, and writes nothing."""

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
