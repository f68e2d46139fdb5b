"""Which series there are: their ids, found and made, within a bound."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping

import orjson

from spotter.entries import Series
from spotter.stores.contract import (
    MAX_METRICS,
    MAX_SERIES,
    MAX_SERIES_OF_NAME,
    OTHER,
    Group,
    Ladder,
    Query,
    is_own,
    ladder_of,
)
from spotter.stores.rows import ROWS_AT_ONCE, flat, labels_of, marks, parts
from spotter.stores.schema import Execute

#: Metrics whose series are remembered for reading.
MAX_NAMES = 500
#: Series whose ids a process remembers for writing; a process that lives for weeks may
#: meet any number.
MAX_IDS = 20_000
#: Series that are remembered by what they are grouped by: some three megabytes.
MAX_GROUPED = 20_000
#: Series above the bounds that stand for those that found no room, of one metric and all.
SPARE_OF_NAME, SPARE = 100, 2_500
#: Ids of one metric; more than MAX_SERIES_OF_NAME with those for `__other__`.
BLOCK = 4096
#: Counts the measurements that have not even an `__other__` of their metric.
HOMELESS = Series("spotter.series.overflowed", (("metric", OTHER),))
#: Series' ids with the group that each belongs to.
Groups = Mapping[int, Group]


class Catalogue:
    """
    What one process remembers of the table of series.

    Ids never change; trimming takes some away, and then counts up the `generation`, by
    which everybody notices.
    """

    def __init__(self) -> None:
        self._generation = -1
        #: The names that were looked up while nothing can change; None otherwise.
        self._looked_up: set[str] | None = None
        #: How many series each metric has, once more than one was asked about then.
        self._counts: dict[str, int] | None = None
        self.forget()

    def forget(self) -> None:
        """Read everything anew: what was made in a lost transaction is not there."""
        self._ids: dict[Series, int] = {}
        self._read: dict[str, dict[int, Series]] = {}
        #: How many series a metric had, and what they are by the labels asked for.
        self._groups: dict[
            tuple[str, tuple[str, ...]], tuple[int, list[tuple[Ladder, Groups]]]
        ] = {}
        if self._looked_up is not None:
            self._looked_up = set()

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Look each metric up but once: what is read is of one instant."""
        self._looked_up = set()
        try:
            yield
        finally:
            self._looked_up = self._counts = None

    def _notice_trimming(self, execute: Execute) -> None:
        if self._looked_up:
            return
        rows = execute("SELECT value FROM spotter_meta WHERE name = 'generation'")
        if rows[0][0] != self._generation:
            self.forget()
            self._generation = rows[0][0]

    def ids(self, execute: Execute, wanted: set[Series]) -> dict[Series, int]:
        """The ids of series, made where they are new and there is room."""
        self._notice_trimming(execute)
        if len(self._ids) > MAX_IDS:
            self._ids.clear()
        unknown = wanted - self._ids.keys()
        if unknown:
            self._ids.update(self._find(execute, unknown))
            new = sorted(unknown - self._ids.keys(), key=place_of)
            if new:
                self._make(execute, new)
        return self._ids

    def _find(self, execute: Execute, wanted: Collection[Series]) -> dict[Series, int]:
        """
        The ids of those that are there.

        Many in one statement: a process that starts meets hundreds that are new to it,
        while every other one waits for the lock.
        """
        of = {place_of(series): series for series in wanted}
        found: dict[Series, int] = {}
        for part in parts(sorted(of), ROWS_AT_ONCE):
            rows = execute(
                # CROSS JOIN, which SQLite takes as the order to do it in.
                f"WITH wanted (name, labels) AS (VALUES {marks(part)}) "
                "SELECT id, s.name, s.labels FROM wanted w CROSS JOIN spotter_series s "
                "WHERE s.name = w.name AND s.labels = w.labels",
                flat(part),
            )
            found.update((of[name, labels], id_) for id_, name, labels in rows)
        return found

    def _make(self, execute: Execute, new: list[Series]) -> None:
        """Make those that there is room for; the others are counted as `__other__`."""
        rooms = Rooms(execute)
        made: list[Series] = []
        without: dict[Series, Series] = {}
        for series in new:
            if rooms.has_room(series):
                self._ids[series] = rooms.take(series.name)
                made.append(series)
            else:
                without[series] = other_of(series)
        others = {*without.values(), HOMELESS} - self._ids.keys() if without else set()
        self._ids.update(self._find(execute, others))
        for other in sorted(others - self._ids.keys(), key=place_of):
            if other == HOMELESS or rooms.has_room(other):
                self._ids[other] = rooms.take(other.name)
                made.append(other)
        rows = [(self._ids[series], *place_of(series)) for series in made]
        for part in parts(rows, ROWS_AT_ONCE):
            execute(
                f"INSERT INTO spotter_series (id, name, labels) VALUES {marks(part)}",
                flat(part),
            )
        for series, other in without.items():
            self._ids[series] = self._ids.get(other, self._ids[HOMELESS])

    def groups(self, execute: Execute, query: Query) -> list[tuple[Ladder, Groups]]:
        """The series that a query asks for, as its groups, by the levels that have them."""
        known = self._series_of(execute, query.name)
        if query.where:
            wanted = {i: s for i, s in known.items() if query.matches(dict(s.labels))}
            return by_ladder(wanted, query.by)
        # A page asks for thousands, again and again: they only ever become more.
        place = (query.name, query.by)
        number, found = self._groups.get(place, (0, []))
        if number != len(known):
            if sum(n for n, _ in self._groups.values()) + len(known) > MAX_GROUPED:
                self._groups.clear()
            found = by_ladder(known, query.by)
            self._groups[place] = (len(known), found)
        return found

    def _series_of(self, execute: Execute, name: str) -> dict[int, Series]:
        if self._looked_up and name in self._looked_up:
            return self._read[name]
        self._notice_trimming(execute)
        if len(self._read) >= MAX_NAMES:
            self._read.clear()
            if self._looked_up:
                self._looked_up.clear()
        known = self._read.setdefault(name, {})
        if self._count(execute, name) != len(known):
            rows = execute(
                "SELECT id, labels FROM spotter_series WHERE name = ?", (name,)
            )
            known.update(
                (row[0], Series(name, labels_of(row[1])))
                for row in rows
                if row[0] not in known
            )
        if self._looked_up is not None:
            self._looked_up.add(name)
        return known

    def _count(self, execute: Execute, name: str) -> int:
        """How many series a metric has; those of all, where a second one is asked for."""
        if self._looked_up and self._counts is None:
            self._counts = dict(
                execute("SELECT name, COUNT(*) FROM spotter_series GROUP BY name")
            )
        if self._counts is not None:
            return self._counts.get(name, 0)
        found = execute("SELECT COUNT(*) FROM spotter_series WHERE name = ?", (name,))
        return int(found[0][0])


class Rooms:
    """
    The ids that are free, while somebody holds the writer's lock.

    A metric's ids are a block, so that its series lie side by side in every window and
    reading it reads nothing else. An id is free again when all that its series ever
    wrote is gone.
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._taken: dict[str, set[int]] = {}
        self._next: dict[str, int] = {}
        self._all: int = execute("SELECT COUNT(*) FROM spotter_series")[0][0]
        highest = execute("SELECT COALESCE(MAX(id), 0) FROM spotter_series")[0][0]
        self._new_block: int = highest // BLOCK + 1
        self._metrics: int | None = None

    def _of(self, name: str) -> set[int]:
        taken = self._taken.get(name)
        if taken is None:
            rows = self._execute(
                "SELECT id FROM spotter_series WHERE name = ?", (name,)
            )
            taken = self._taken[name] = {row[0] for row in rows}
            if taken:
                self._next[name] = min(taken) // BLOCK * BLOCK
            else:
                self._next[name] = self._new_block * BLOCK
                self._new_block += 1
        return taken

    def has_room(self, series: Series) -> bool:
        """Whether the store, and the series' metric, may have this one more."""
        taken, is_spare = self._of(series.name), is_overflow(series)
        if not taken and not is_own(series.name) and self._others() >= MAX_METRICS:
            return False
        return (
            len(taken) < MAX_SERIES_OF_NAME + is_spare * SPARE_OF_NAME
            and self._all < MAX_SERIES + is_spare * SPARE
        )

    def _others(self) -> int:
        """How many metrics there are besides Spotter's own."""
        if self._metrics is None:
            rows = self._execute("SELECT DISTINCT name FROM spotter_series")
            self._metrics = sum(not is_own(name) for (name,) in rows)
        return self._metrics

    def take(self, name: str) -> int:
        """The first free id of the metric's block."""
        taken = self._of(name)
        if not taken and self._metrics is not None and not is_own(name):
            self._metrics += 1
        while self._next[name] in taken:
            self._next[name] += 1
        taken.add(self._next[name])
        self._all += 1
        return self._next[name]


def place_of(series: Series) -> tuple[str, str]:
    """A series as the table has it: its name, and its labels as JSON."""
    return series.name, orjson.dumps(series.labels).decode()


def other_of(series: Series) -> Series:
    """What stands for the series of its metric that found no room."""
    if not series.labels:
        return HOMELESS
    return Series(series.name, tuple((key, OTHER) for key, _ in series.labels))


def is_overflow(series: Series) -> bool:
    """Whether a series stands for those that found no room, or tells of them."""
    if series.name.startswith("spotter.series."):
        return True
    return bool(series.labels) and all(value == OTHER for _, value in series.labels)


def by_ladder(
    series_by_id: Mapping[int, Series], by: tuple[str, ...]
) -> list[tuple[Ladder, Groups]]:
    """Series, as groups, by the levels that have them."""
    found: dict[int, tuple[Ladder, dict[int, Group]]] = {}
    for id_, series in series_by_id.items():
        ladder = ladder_of(series)
        # There are four of them; a ladder's hash is that of all its levels.
        place = found.get(id(ladder))
        if place is None:
            place = found[id(ladder)] = (ladder, {})
        place[1][id_] = series.group(by)
    return list(found.values())
