"""An older store is brought up to date; a newer one is left alone."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time

import pytest

from spotter.entries import Batch, Series
from spotter.stores.contract import DAY, Query, StoreError
from spotter.stores.schema import VERSION
from spotter.stores.sqlite import SqliteStore
from tests.stores.conftest import NOW


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spotter.db"


def make_version(path, version):
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE spotter_meta (name TEXT PRIMARY KEY, value INTEGER)"
        )
        connection.execute("INSERT INTO spotter_meta VALUES ('schema', ?)", (version,))
        connection.execute("CREATE TABLE spotter_points_10 (series_id INTEGER)")
    connection.close()


def write(path):
    store = SqliteStore(path, lambda: NOW)
    batch = Batch()
    batch.point(Series.of("made"), NOW).add(1)
    for _ in range(20):
        try:
            store.write(batch)
            break
        except StoreError as error:
            # As whoever flushes does: the same batch again, a little later.
            if not error.retry:
                raise
            time.sleep(0.1)
    store.close()


def made(path):
    store = SqliteStore(path, lambda: NOW)
    total = store.total(Query(name="made", start=NOW - 10, end=NOW + 10))[()].sum
    store.close()
    return total


def test_an_older_store_is_brought_up_to_date(path):
    make_version(path, 1)
    write(path)
    assert made(path) == 1


def test_several_processes_may_bring_it_up_to_date_at_once(path):
    make_version(path, 1)
    workers = [multiprocessing.Process(target=write, args=(path,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert made(path) == 4


def make_version_2(path, marks):
    """A store with everything among all points, rolled up by hours and days."""
    store = SqliteStore(path, lambda: NOW)
    store.written_at()
    store.close()
    with sqlite3.connect(path) as connection:
        for kind in ("details", "probes"):
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE name LIKE ?",
                (f"spotter_{kind}_%",),
            ).fetchall():
                connection.execute(f"DROP TABLE {name}")
        connection.execute("DROP TABLE spotter_points_21600")
        for id_, name in enumerate(
            ("made", "spotter.probe.success", "spotter.db.statement.duration"), 1
        ):
            connection.execute(
                "INSERT INTO spotter_series VALUES (?, ?, '[]')", (4096 * id_, name)
            )
            for window in (10, 60, 3600, 86400):
                for start in range(
                    (NOW - 3600 - DAY) // window * window,
                    NOW,
                    3600 if window < 3600 else window,
                ):
                    connection.execute(
                        f"INSERT INTO spotter_points_{window} (starts_at, series_id, count, sum) VALUES (?, ?, 1, ?)",  # noqa: S608
                        (start, 4096 * id_, counted(window, start)),
                    )
        for window, value in marks.items():
            connection.execute(
                "INSERT INTO spotter_meta VALUES (?, ?)", (f"rolled_{window}", value)
            )
        connection.execute("UPDATE spotter_meta SET value = 2 WHERE name = 'schema'")
    connection.close()


def counted(window, start):
    """One an hour: a day that is going on has as many as were rolled up."""
    return 1 if window < DAY else (min(NOW, start + DAY) - max(start, (NOW - 3600 - DAY) // 3600 * 3600)) // 3600  # fmt: skip


@pytest.mark.parametrize("name", ["made", "spotter.probe.success"])
def test_what_lay_in_other_tables_is_read_as_before(path, name):
    make_version_2(path, {60: NOW, 3600: NOW, 86400: NOW})
    store = SqliteStore(path, lambda: NOW)
    query = Query(name=name, start=NOW - 2 * DAY, end=NOW + 60)
    before = store.total(query)[()].sum
    store.roll_up(NOW + 60)
    after = store.total(query)[()].sum
    store.close()
    assert (before, after) == (25, 25)


def test_the_days_of_statements_are_moved(path):
    make_version_2(path, {60: NOW, 3600: NOW, 86400: NOW})
    store = SqliteStore(path, lambda: NOW)
    store.roll_up(NOW + 60)
    query = Query(name="spotter.db.statement.duration", start=NOW - 2 * DAY, end=NOW)
    assert store.total(query)[()].sum == counted(DAY, NOW // DAY * DAY - DAY)
    store.close()


def test_a_newer_store_is_refused_and_left_alone(path):
    make_version(path, VERSION + 1)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer Spotter") as refused:
        write(path)
    assert not refused.value.retry
    assert path.read_bytes()[100:] == before[100:]
