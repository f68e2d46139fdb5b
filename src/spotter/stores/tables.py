"""What the SQL stores' parts share: transactions, watermarks, places of points."""

from __future__ import annotations

import abc
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from spotter.entries import Point
from spotter.stores.catalogue import Catalogue
from spotter.stores.contract import LEVELS, Ladder, Level, Store
from spotter.stores.schema import Execute

#: One point's place: the start of its window and its series.
Key = tuple[int, int]


class Tables(Store):
    """The tables of a store, and how to reach them."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._series = Catalogue()
        #: What was read while all is read at one instant; None otherwise.
        self._marks: dict[str, int] | None = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        with self.transaction(write=False) as execute:
            if self._marks is not None:
                yield  # Within another one.
                return
            self.begin_instant(execute)
            self._marks = {}
            try:
                with self._series.still():
                    yield
            finally:
                self._marks = None

    def begin_instant(self, execute: Execute) -> None:
        """Have all statements of a transaction see the same, where they would not."""

    @abc.abstractmethod
    def transaction(self, *, write: bool) -> contextlib.AbstractContextManager[Execute]:
        """
        Run statements with `?` placeholders in one transaction.

        With `write`, nobody else writes until it ends. Failure raises
        StoreError and leaves nothing behind; RefusedError where the values are at fault.
        """

    #: What SQL calls the smaller and the larger of two values.
    least, greatest = "MIN", "MAX"

    #: Whether a statement costs a way there and back: then it is worth to say more in one.
    far = False

    #: The last reading of a group of rows among its sums; "NULL" where the database has
    #: it only in a statement of its own, as `last, MAX(last_at)`.
    last = "NULL"

    @abc.abstractmethod
    def buckets_of(self, execute: Execute, where: str) -> dict[int, bytes]:
        """The encoded buckets, by series, of a table's rows."""

    def one_of(self, ids: list[int]) -> tuple[str, list[Any]]:
        """What says that an id is one of these, and its parameters."""
        return f"IN ({listed(ids)})", []

    @abc.abstractmethod
    def look_up(self, level: Level, columns: str, starts: str, which: str) -> str:
        """A statement that looks some series up in each window, and scans nothing."""

    def _watermarks(self, execute: Execute, ladder: Ladder) -> dict[int, int]:
        """Up to where each level has been rolled up from the finer one, by windows."""
        marks = self._marks
        if not marks:
            marks = dict(
                execute(
                    "SELECT name, value FROM spotter_meta WHERE name LIKE 'rolled_%'"
                )
            )
        if self._marks is not None:
            self._marks = marks
        return {level.window: marks.get(mark_of(level), 0) for level in ladder}

    def _set_mark(self, execute: Execute, level: Level, value: int) -> None:
        execute(
            "INSERT INTO spotter_meta (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (mark_of(level), value),
        )


def mark_of(level: Level) -> str:
    """What a level's watermark is called."""
    of_kind = "" if level in LEVELS else f"{level.kind}_"
    return f"rolled_{of_kind}{level.window}"


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


def listed(ids: Sequence[int]) -> str:
    """Ids of our own making as a list for IN."""
    return ", ".join(map(str, ids))
