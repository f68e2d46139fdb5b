"""How the tables of an SQL store are rolled up and trimmed, a little at a time."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from spotter.entries import Series
from spotter.stores.contract import (
    GRACE_SECONDS,
    LADDERS,
    PROCESSES,
    REMEMBER_BATCHES_SECONDS,
    ROLL_UP_SECONDS,
    SAMPLES,
    SAMPLES_OF_OTHERS,
    TRIM_SECONDS,
    Ladder,
    Level,
    ladder_of,
)
from spotter.stores.rows import COLUMNS, PointSum, labels_of, parts
from spotter.stores.schema import Execute, table
from spotter.stores.tables import Key, listed, windows_of
from spotter.stores.writing import Writing

#: Rows deleted in one transaction, so that no lock is held for long.
DELETE_AT_ONCE = 1000
#: Rows that have nothing but sums and bounds, and what they add up to.
IS_PLAIN = "buckets IS NULL AND last_at IS NULL"
PLAIN_SUMS = (
    "CAST(SUM(count) AS BIGINT), SUM(sum), MIN(minimum), MAX(maximum), "
    "CAST(SUM(zeros) AS BIGINT), NULL, NULL, NULL"
)


class Housekeeping(Writing):
    """Folds what is complete into coarser windows, and deletes what is past its time."""

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
        for ladder in LADDERS:
            for finer, coarser in itertools.pairwise(ladder):
                # One window a transaction: writers wait for milliseconds, not for all.
                while self._roll_up_some(ladder, finer, coarser, now):
                    pass

    def _roll_up_some(
        self, ladder: Ladder, finer: Level, coarser: Level, now: float
    ) -> bool:
        """Roll up what is new of the next window; False when nothing more is."""
        with self.transaction(write=True) as execute:
            marks = self._watermarks(execute, ladder)
            mark = marks[coarser.window]
            until = int(now - GRACE_SECONDS) // finer.window * finer.window
            if finer is not ladder[0]:
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
        # Most rows are counters' and summaries', which the database adds up by itself.
        name = table(coarser)
        execute(
            f"INSERT INTO {name} (starts_at, series_id, {COLUMNS}) "
            f"SELECT {start}, series_id, {PLAIN_SUMS} FROM {table(finer)} "
            f"WHERE starts_at >= ? AND starts_at < ? AND {IS_PLAIN} GROUP BY series_id "
            f"ON CONFLICT (starts_at, series_id) DO UPDATE SET {self.sums(name)}",
            stretch,
        )
        found = execute(
            f"SELECT DISTINCT series_id FROM {table(finer)} "
            f"WHERE starts_at >= ? AND starts_at < ? AND NOT ({IS_PLAIN})",
            stretch,
        )
        ids = [row[0] for row in found]
        starts = windows_of(finer)
        for part in parts(ids):
            few = f"IN ({listed(part)})"
            sums: dict[Key, PointSum] = defaultdict(PointSum)
            for id_, *row in execute(
                f"{self.look_up(finer, f'series_id, {COLUMNS}', starts, few)} AND NOT ({IS_PLAIN})",
                stretch,
            ):
                sums[start, id_].add(row)
            points = {key: total.point() for key, total in sums.items()}
            self._merge(execute, coarser, points)

    def trim(self, now: float) -> int:
        deleted = 0
        for level in itertools.chain(*LADDERS):
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
        while self._trim_batches(now - REMEMBER_BATCHES_SECONDS):
            pass
        gone = sum(
            self._trim_samples("kind = ?", (kind, now - keep.keep))
            for kind, keep in SAMPLES.items()
        )
        listed = ", ".join("?" * len(SAMPLES))
        others = (*SAMPLES, now - SAMPLES_OF_OTHERS.keep)
        gone += self._trim_samples(f"kind NOT IN ({listed})", others)
        return gone + self._trim_series(now)

    def _trim_batches(self, before: float) -> int:
        with self.transaction(write=True) as execute:
            return len(
                execute(
                    "DELETE FROM spotter_batches WHERE id IN (SELECT id FROM "
                    "spotter_batches WHERE written_at < ? LIMIT ?) RETURNING 1",
                    (before, DELETE_AT_ONCE),
                )
            )

    def _trim_samples(self, which: str, parameters: tuple[Any, ...]) -> int:
        """Delete old samples, however many came in the hour that has passed."""
        deleted = 0
        while count := self._trim_some_samples(which, parameters):
            deleted += count
        return deleted

    def _trim_some_samples(self, which: str, parameters: tuple[Any, ...]) -> int:
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
        deleted = 0
        for keep, ids in self._idle_series(now).items():
            # Each has two rows.
            for part in parts(ids, max(1, DELETE_AT_ONCE // 2)):
                deleted += self._delete_series(part, now - keep - TRIM_SECONDS)
        return deleted

    def _idle_series(self, now: float) -> dict[int, list[int]]:
        """Those, by how long they are kept; looked for while others may write."""
        with self.transaction(write=False) as execute:
            rows = execute(
                "SELECT t.series_id, t.updated_at, s.name, s.labels "
                "FROM spotter_totals t "
                "JOIN spotter_series s ON s.id = t.series_id WHERE t.updated_at < ?",
                (now - PROCESSES[-1].keep - TRIM_SECONDS,),
            )
        found: dict[int, list[int]] = defaultdict(list)
        for id_, at, name, labels in rows:
            keep = kept_for(Series(name, labels_of(labels)))
            if at < now - keep - TRIM_SECONDS:
                found[keep].append(id_)
        return found

    def _delete_series(self, ids: Sequence[int], before: float) -> int:
        """Delete those of some series that nobody has written to meanwhile."""
        with self.transaction(write=True) as execute:
            rows = execute(
                f"DELETE FROM spotter_totals WHERE series_id IN ({listed(ids)}) "
                "AND updated_at < ? RETURNING series_id",
                (before,),
            )
            if rows:
                few = listed([id_ for (id_,) in rows])
                execute(f"DELETE FROM spotter_series WHERE id IN ({few})")
                execute(
                    "UPDATE spotter_meta SET value = value + 1 WHERE name = 'generation'"
                )
        return len(rows)


def kept_for(series: Series) -> int:
    """How many seconds of a series are kept at its coarsest."""
    return ladder_of(series)[-1].keep
