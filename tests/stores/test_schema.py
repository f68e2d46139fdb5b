"""An older store is brought up to date; a newer one is left alone."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time

import pytest

from spotter.entries import Batch, Series
from spotter.stores.contract import Query, StoreError
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


def test_a_newer_store_is_refused_and_left_alone(path):
    make_version(path, VERSION + 1)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer Spotter") as refused:
        write(path)
    assert not refused.value.retry
    assert path.read_bytes()[100:] == before[100:]
