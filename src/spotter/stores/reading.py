"""How the tables of an SQL store are read, by the coarsest windows that will do."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from spotter.catalog import METRICS
from spotter.entries import Point, Sample, Series
from spotter.histograms import BucketSum
from spotter.stores.contract import (
    ALIVE_SECONDS,
    Group,
    Ladder,
    Level,
    Query,
    Segment,
    detailed_names,
    level_for,
    segments,
)
from spotter.stores.rows import (
    COLUMNS,
    UNREADABLE,
    PointSum,
    Row,
    add_sums,
    parts,
    pass_over,
    point_of,
    readable_labels,
    unpacked,
)
from spotter.stores.schema import Execute
from spotter.stores.tables import Tables, listed, windows_of

#: Series up to which each point is looked up; above, all between them are read.
LOOK_UP = 120
#: Groups up to which the database adds up the series of each.
MAX_GROUPS = 8
#: COLUMNS of several rows together, but for buckets.
SUMS = (
    "CAST(SUM(count) AS BIGINT), SUM(sum), MIN(minimum), MAX(maximum), "
    "CAST(SUM(zeros) AS BIGINT), {last}, MAX(last_at), NULL"
)
#: What they are made of.
RAW = "series_id, starts_at, count, sum, minimum, maximum, zeros, last, last_at"
#: What a mean is made of.
MEAN = "series_id, count, sum"
#: Where the last reading's time stands in them, behind series and window.
LAST_AT = 8


class Reading(Tables):
    """Gives points and samples, and writes nothing."""

    def range(self, query: Query) -> dict[Group, dict[int, Point]]:
        sums: dict[Group, dict[int, PointSum]] = defaultdict(dict)
        rows_of = (
            self._whole_rows
            if query.buckets
            else functools.partial(self._sum_rows, name=query.name)
        )
        with self.transaction(write=False) as execute:
            now = self._clock()
            for ladder, named in self._series.groups(execute, query):
                level = level_for(query, now, ladder)
                marks = self._watermarks(execute, ladder)
                step = max(query.step or 0, level.window)
                windows = list(whole_windows(level, ladder, query, marks, now))
                window = f"starts_at / {step} * {step}"
                for id_, start, *row in rows_of(execute, windows, named, window):
                    points = sums[named[id_]]
                    if start not in points:
                        points[start] = PointSum()
                    points[start].add(row)
        return {
            group: {start: points[start].point() for start in sorted(points)}
            for group, points in sums.items()
        }

    def _whole_rows(
        self,
        execute: Execute,
        windows: Sequence[Segment],
        named: Mapping[int, Group],
        window: str,
    ) -> Iterator[Row]:
        """Rows as they are, buckets included: series, window, COLUMNS."""
        return self._rows(execute, windows, f"{window}, {COLUMNS}", named)

    def _sum_rows(
        self,
        execute: Execute,
        windows: Sequence[Segment],
        named: Mapping[int, object],
        window: str,
        *,
        name: str = "",
    ) -> Iterator[Row]:
        """Rows without buckets, which the database adds up by series and window."""
        # To put readings in their order costs as much as all else, and only gauges have any.
        metric = METRICS.get(name)
        last = self.last if metric is None or metric.kind == "gauge" else "NULL"
        sums = f"{window}, {SUMS.format(last=last)}"
        rows = list(self._rows(execute, windows, sums, named, group=(1, 2)))
        is_to_ask = self.last == "NULL"
        if is_to_ask and any(row[LAST_AT] is not None for row in rows):
            latest = self._latest(execute, windows, named, window)
            rows = [
                (*row[:7], *latest.get((row[0], row[1]), (None, None)), None)
                for row in rows
            ]
        yield from rows

    def total(self, query: Query) -> dict[Group, Point]:
        groups: dict[Group, Point] = {}
        with self.transaction(write=False) as execute:
            now = self._clock()
            for ladder, named in self._series.groups(execute, query):
                marks = self._watermarks(execute, ladder)
                windows = segments(query.start, query.end, marks, now, ladder)
                if query.mean_above:
                    named = self._slow_ones(execute, windows, named, query.mean_above)
                rows = self._sum_rows(execute, windows, named, "0", name=query.name)
                for id_, _, *row in rows:
                    group = named[id_]
                    point = groups.get(group)
                    if point is None:
                        point = groups[group] = Point()
                    add_sums(point, row)
                if query.buckets:
                    self._add_buckets(execute, windows, named, groups)
        if query.mean_above:
            return {g: p for g, p in groups.items() if p.mean > query.mean_above}
        return groups

    def _slow_ones(
        self,
        execute: Execute,
        windows: Sequence[Segment],
        named: Mapping[int, Group],
        mean_above: float,
    ) -> Mapping[int, Group]:
        """Those whose mean can be above; all, where a group has several series."""
        if len(set(named.values())) < len(named):
            return named
        # A little less: who asks sees to the last digit himself.
        having = f" HAVING SUM(sum) >= {mean_above * (1 - 1e-9)!r} * SUM(count)"
        rows = self._rows(
            execute, windows, "0", named, group=(1, 2), raw=MEAN, having=having
        )
        return {id_: named[id_] for id_, _ in rows}

    def totals(self, queries: Sequence[Query]) -> list[dict[Group, Point]]:
        """Of few series all in one statement: planning each takes longer than reading."""
        found: list[dict[Group, Point]] = [{} for _ in queries]
        merged: dict[int, tuple[Ladder, dict[int, tuple[int, Group]]]] = {}
        with self.transaction(write=False) as execute:
            for number, query in enumerate(queries):
                by_ladders = self._series.groups(execute, query)
                for ladder, _ in by_ladders:
                    merged.setdefault(id(ladder), (ladder, {}))
                if any(
                    len(named) + len(merged[id(ladder)][1]) > LOOK_UP
                    for ladder, named in by_ladders
                ):
                    found[number] = self.total(query)
                    continue
                for ladder, named in by_ladders:
                    ours = merged[id(ladder)][1]
                    ours.update((id_, (number, named[id_])) for id_ in named)
            now = self._clock()
            for ladder, ours in merged.values():
                marks = self._watermarks(execute, ladder)
                start, end = queries[0].start, queries[0].end
                windows = segments(start, end, marks, now, ladder)
                for id_, _, *row in self._sum_rows(execute, windows, ours, "0"):
                    number, group = ours[id_]
                    add_sums(found[number].setdefault(group, Point()), row)
        return found

    def _latest(
        self,
        execute: Execute,
        windows: Sequence[Segment],
        named: Mapping[int, object],
        window: str,
    ) -> dict[tuple[int, int], tuple[float, float]]:
        """The last reading of each gauge in each window; nothing of what is no gauge."""
        rows = self._rows(
            execute, windows, f"{window}, last, MAX(last_at)", named, group=(1, 2)
        )
        # The stretches are in the order of time: of two, the later one's is the last.
        return {
            (id_, at): (last, last_at) for id_, at, last, last_at in rows if last_at
        }

    def _add_buckets(
        self,
        execute: Execute,
        windows: Sequence[Segment],
        named: Mapping[int, Group],
        groups: dict[Group, Point],
    ) -> None:
        sums: dict[Group, BucketSum] = defaultdict(BucketSum)
        for id_, buckets in self._rows(execute, windows, "buckets", named):
            if buckets is not None:
                try:
                    sums[named[id_]].add(bytes(buckets))
                except UNREADABLE:
                    pass_over("a point's buckets")
        for group, total in sums.items():
            total.add_to(groups[group])

    def _rows(
        self,
        execute: Execute,
        windows: Sequence[Segment],
        columns: str,
        ids: Mapping[int, object],
        *,
        group: Sequence[int] = (),
        raw: str = RAW,
        having: str = "",
    ) -> Iterator[Row]:
        """Rows of some series in stretches of time: series id, then the columns."""
        if not ids or not windows:
            return
        # All of a metric's series lie side by side; of a few, each is looked up.
        is_few = len(ids) <= LOOK_UP
        which, mine = (
            self.one_of(list(ids))
            if is_few
            else ("BETWEEN ? AND ?", [min(ids), max(ids)])
        )
        end = f" GROUP BY {listed(group)}{having}" if group else ""
        key = named_by(ids) if group and is_few else "series_id"
        columns = f"{key}, {columns}"
        # What is judged by its whole must be added up as a whole.
        for some in parts(windows, len(windows) if self.far or having else 1):
            statement = self._statement(some, columns, which, raw) + end
            bounds = [each for at in some for each in (at.start, at.end, *mine)]
            rows = execute(statement, bounds)
            yield from rows if is_few else (row for row in rows if row[0] in ids)

    def _statement(
        self, windows: Sequence[Segment], columns: str, which: str, raw: str
    ) -> str:
        """One that reads all those stretches, each with its two bounds."""
        if len(windows) == 1:
            level = windows[0].level
            return self.look_up(level, columns, windows_of(level), which)
        raw = f"{raw}, buckets" if "buckets" in columns else raw
        stretches = " UNION ALL ".join(
            f"SELECT * FROM ({self.look_up(at.level, raw, windows_of(at.level), which)}) p"
            for at in windows
        )
        return f"SELECT {columns} FROM ({stretches}) p WHERE TRUE"

    def cumulative(
        self,
        names: Collection[str] | None = None,
        *,
        detailed: bool = True,
        alive_since: float = 0,
    ) -> dict[Series, Point]:
        passed_over = () if detailed else detailed_names()
        named = (
            "" if names is None else f"AND s.name IN ({', '.join('?' * len(names))}) "
        )
        if passed_over:
            named += f"AND s.name NOT IN ({', '.join('?' * len(passed_over))}) "
        with self.transaction(write=False) as execute:
            rows = execute(
                f"SELECT s.name, s.labels, {COLUMNS} FROM spotter_totals t "
                "JOIN spotter_series s ON s.id = t.series_id "
                "WHERE t.updated_at >= ? AND (t.last_at IS NULL OR t.last_at >= ? "
                f"OR s.labels NOT LIKE '%\"process.pid\"%') {named}",
                (
                    self._clock() - ALIVE_SECONDS,
                    alive_since,
                    *(names or ()),
                    *passed_over,
                ),
            )
        labelled = ((row, readable_labels(row[1])) for row in rows)
        return {
            Series(row[0], labels): point_of(row[2:])
            for row, labels in labelled
            if labels is not None
        }

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
        # A key has few samples: as a sum the time keeps to the index of keys.
        at, which, values = "at", "kind = ?", [kind]
        if key is not None:
            at, which, values = "at + 0", "kind = ? AND key = ?", [kind, key]
        before = "" if until is None else f"AND {at} < ? "
        bounds = (since,) if until is None else (since, until)
        with self.transaction(write=False) as execute:
            rows = execute(
                "SELECT kind, key, at, weight, body FROM spotter_samples "
                f"WHERE {which} AND {at} >= ? {before}AND weight >= ? "
                f"ORDER BY {at} DESC, id DESC LIMIT ?",
                (*values, *bounds, weight, limit),
            )
        return [each for row in rows for each in samples_of(row)]

    def latest_samples(self, kind: str, keys: Collection[str]) -> dict[str, Sample]:
        found: list[Row] = []
        with self.transaction(write=False) as execute:
            for some in parts(tuple(keys)):
                wanted = ", ".join(["(CAST(? AS TEXT))"] * len(some))
                found += execute(
                    f"WITH wanted (name) AS (VALUES {wanted}) "
                    "SELECT kind, key, at, weight, body FROM wanted "
                    "JOIN spotter_samples ON id = (SELECT id FROM spotter_samples "
                    "WHERE kind = ? AND key = wanted.name "
                    "ORDER BY hour DESC, at DESC, id DESC LIMIT 1)",
                    (*some, kind),
                )
        return {row[1]: each for row in found for each in samples_of(row)}

    def written_at(self) -> float | None:
        with self.transaction(write=False) as execute:
            found = execute("SELECT MAX(written_at) FROM spotter_batches")[0][0]
        return None if found is None else float(found)


def named_by(ids: Mapping[int, object]) -> str:
    """
    What tells rows apart that are added up: the first series of each one's group.

    Of a few groups of many series the database adds up all but a few rows. Of many, to
    find each row's group would take longer than to read them.
    """
    groups: dict[object, list[int]] = {}
    for id_, group in ids.items():
        groups.setdefault(group, []).append(id_)
    if len(groups) > MAX_GROUPS or len(groups) == len(ids):
        return "series_id"
    cases = " ".join(
        f"WHEN series_id IN ({listed(each)}) THEN {each[0]}" for each in groups.values()
    )
    return f"CASE {cases} ELSE 0 END"


def samples_of(row: Row) -> list[Sample]:
    """The sample of a row; none where it can't be read."""
    kind, key, at, weight, data = row
    try:
        body = unpacked(bytes(data))
    except UNREADABLE:
        pass_over("a sample")
        return []
    return [Sample(kind=kind, key=key, at=at, weight=weight, body=body)]


def whole_windows(
    level: Level, ladder: Ladder, query: Query, marks: Mapping[int, int], now: float
) -> Iterator[Segment]:
    """The level's windows as far as they are rolled up, then the finer levels'."""
    # Of what is kept for a day a quarter has thousands of windows with nothing in them.
    start = int(max(query.start, now - ladder[-1].keep))
    for each in reversed(ladder[: ladder.index(level) + 1]):
        is_finest = each is ladder[0]
        end = int(query.end if is_finest else min(query.end, marks[each.window]))
        if start < end:
            yield Segment(each, start // each.window * each.window, end)
            start = end
