"""Trimming holds the writers' lock for few rows at a time, and deletes what is old alone."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from spotter.entries import Batch, Series
from spotter.stores import housekeeping
from spotter.stores.contract import DAY, HOUR
from spotter.stores.sqlite import SqliteStore
from tests.stores.conftest import NOW

AT_ONCE = 10


def busy(*pids: int, at: float = NOW) -> Batch:
    made = Batch()
    for pid in pids:
        made.point(Series.of("process.busy", {"process.pid": pid}), at).add(1)
    return made


def rows_of(store, table):
    with store.transaction(write=False) as execute:
        return execute(f"SELECT COUNT(*) FROM {table}")[0][0]  # noqa: S608


@pytest.fixture
def touched(store, monkeypatch):
    """How many rows each writing transaction has read or changed."""
    monkeypatch.setattr(housekeeping, "DELETE_AT_ONCE", AT_ONCE)
    begin, numbers = store.transaction, []

    @contextlib.contextmanager
    def watched(*, write):
        with begin(write=write) as execute:
            rows = 0
            changes = changes_of(store)

            def run(statement, parameters=()):
                nonlocal rows
                found = execute(statement, parameters)
                rows += len(found)
                return found

            yield run
            if write:
                numbers.append(max(rows, changes_of(store) - changes))

    monkeypatch.setattr(store, "transaction", watched)
    return numbers


def changes_of(store):
    """What SQLite has changed; PostgreSQL's rows are counted as they are given back."""
    if not isinstance(store, SqliteStore) or store._connection is None:
        return 0
    return store._connection.total_changes


def test_no_transaction_of_trimming_touches_many_rows(store, clock, touched):
    for _ in range(3 * AT_ONCE + 1):
        store.write(Batch())
    store.write(busy(*range(4 * AT_ONCE)))
    touched.clear()
    clock.now = NOW + 3 * DAY
    store.trim(clock.now)
    assert max(touched) <= AT_ONCE + 1  # The generation is a row, too.
    assert [rows_of(store, f"spotter_{t}") for t in ("batches", "series", "totals")] == [0, 0, 0]  # fmt: skip


def test_trimming_leaves_what_is_young_or_kept_for_longer(store, clock):
    made = busy(1, 2)
    made.point(Series.of("bookings.made"), NOW).add(1)
    store.write(made)
    clock.now = NOW + 3 * DAY
    store.write(busy(2, at=clock.now))
    store.trim(clock.now)
    with store.transaction(write=False) as execute:
        names = execute("SELECT name, labels FROM spotter_series ORDER BY name")
    assert names == [("bookings.made", "[]"), ("process.busy", '[["process.pid","2"]]')]
    assert rows_of(store, "spotter_batches") == 1


def test_a_series_that_is_written_to_meanwhile_is_not_deleted(store, clock):
    store.write(busy(1, 2))
    clock.now = NOW + 3 * DAY
    ((keep, ids),) = store._idle_series(clock.now).items()
    store.write(busy(2, at=clock.now))
    assert store._delete_series(ids, clock.now - keep - HOUR) == 1
    assert [dict(s.labels)["process.pid"] for s in store.cumulative()] == ["2"]


def test_a_store_without_the_index_of_batches_gets_it(tmp_path):
    path = tmp_path / "spotter.db"
    older = SqliteStore(path)
    older.write(Batch())
    older.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX spotter_batches_by_time")
    newer = SqliteStore(path)
    with newer.transaction(write=False) as execute:
        (plan,) = execute(
            "EXPLAIN QUERY PLAN SELECT id FROM spotter_batches WHERE written_at < 5 LIMIT 9"
        )
    newer.close()
    assert "spotter_batches_by_time" in plan[-1]
