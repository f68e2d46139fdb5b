"""The embedded store under everything that can happen to a file."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pathlib
import sqlite3
import subprocess
import time
from multiprocessing.synchronize import Barrier

import pytest

from spotter.entries import Batch, Series
from spotter.stores import sqlite
from spotter.stores.contract import Query, StoreError
from spotter.stores.sqlite import SqliteStore
from tests.stores.killing import killed_at_random

pytestmark = pytest.mark.long

HITS = Series("hits")


def hits(amount: float = 1) -> Batch:
    made = Batch()
    made.point(HITS, time.time()).add(amount)
    return made


def counted(path: pathlib.Path) -> float:
    store = SqliteStore(path)
    now = time.time()
    total = store.total(Query(name="hits", start=now - 3600, end=now + 3600))
    store.close()
    return total[()].sum if total else 0


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "spotter.db"


@pytest.fixture
def store(path):
    store = SqliteStore(path)
    store.write(hits())
    yield store
    store.close()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 640 KB of its own."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", str(mount)]
    if os.getuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def test_a_locked_file_is_reported_and_written_to_later(store, path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    store.close()
    waiting = hits()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        store.write(waiting)
    holder.close()
    assert store.write(waiting)
    assert counted(path) == 2


@pytest.mark.parametrize("suffixes", [("",), ("", "-wal", "-shm")])
def test_a_deleted_file_is_made_anew(store, path, suffixes):
    for suffix in suffixes:
        pathlib.Path(f"{path}{suffix}").unlink()
    store.write(hits(5))
    assert counted(path) == 5


def damage_middle(path: pathlib.Path) -> None:
    with path.open("r+b") as file:
        file.seek(50)
        file.write(os.urandom(8192))


def truncate(path: pathlib.Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replace_with_text(path: pathlib.Path) -> None:
    path.write_text("this is not a database\n" * 200)


@pytest.mark.parametrize("damage", [damage_middle, truncate, replace_with_text])
def test_a_damaged_file_is_put_aside_and_begun_afresh(path, damage):
    store = SqliteStore(path)
    write_batches(store, 20)
    store.close()
    damage(path)
    with contextlib.suppress(StoreError):
        store.write(hits(7))
    store.write(hits(3))
    store.close()
    assert list(path.parent.glob("spotter.db.corrupt-*"))
    assert counted(path) in (3, 10)


def test_a_damaged_file_is_told_with_where_it_went(path):
    path.write_text("this is not a database\n" * 200)
    with pytest.raises(StoreError, match=r"is damaged.*moved to .*corrupt-"):
        SqliteStore(path).write(hits())


def damage_all_but_the_head(path: pathlib.Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))


def test_a_file_that_another_process_began_afresh_is_not_put_aside(path):
    write_many(path, 5)
    slow, quick = SqliteStore(path), SqliteStore(path)
    with (  # noqa: PT012
        pytest.raises(StoreError, match="moved before"),
        slow.transaction(write=False) as execute,
    ):
        execute("SELECT value FROM spotter_meta")
        damage_all_but_the_head(path)
        with pytest.raises(StoreError, match=r"moved to .*corrupt-"):
            quick.write(hits())
        quick.write(hits(3))
        execute("SELECT COUNT(*), MAX(id) FROM spotter_batches")
    slow.write(hits(4))
    for each in (slow, quick):
        each.close()
    assert counted(path) == 7
    assert len(sqlite.damaged(str(path))) == 1


def test_two_files_that_are_damaged_within_a_second_are_both_kept(path):
    for _ in range(2):
        replace_with_text(path)
        with pytest.raises(StoreError, match="is damaged"):
            SqliteStore(path).write(hits())
    assert len(sqlite.damaged(str(path))) == 2


def test_of_damaged_files_the_latest_are_kept(path):
    for day in (1, 2, 3):
        path.with_name(f"spotter.db.corrupt-2025010{day}T000000").touch()
        path.with_name(f"spotter.db.corrupt-2025010{day}T000000-wal").touch()
    replace_with_text(path)
    with pytest.raises(StoreError, match="is damaged"):
        SqliteStore(path).write(hits())
    kept = sorted(each.name for each in path.parent.glob("spotter.db.corrupt-*[0-9]"))
    assert len(kept) == 3
    assert kept[:2] == [f"spotter.db.corrupt-2025010{day}T000000" for day in (2, 3)]
    assert not path.with_name("spotter.db.corrupt-20250101T000000-wal").exists()


def test_a_full_disk_is_reported_and_writing_resumes_with_room(small_disk):
    store = SqliteStore(small_disk / "spotter.db")
    store.write(hits())
    filler = small_disk / "filler"
    with contextlib.suppress(OSError):
        filler.write_bytes(b"x" * 600_000)
    written: list[bool] = []
    with pytest.raises(StoreError, match=r"full|disk"):
        written.extend(store.write(hits()) for _ in range(500))
    filler.unlink()
    assert store.write(hits())
    store.close()
    assert counted(small_disk / "spotter.db") == 1 + len(written) + 1


def write_batches(store: SqliteStore, batches: int) -> None:
    for _ in range(batches):
        store.write(hits())


def test_a_read_only_disk_is_reported_and_writing_resumes(small_disk):
    store = SqliteStore(small_disk / "spotter.db")
    store.write(hits())
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=False)
    if not os.statvfs(small_disk).f_flag & os.ST_RDONLY:
        # Open files hinder a remount: let go of them first, as a new process would.
        store.close()
        subprocess.run(remount, check=True)
    with pytest.raises(StoreError, match="can't be used"):
        store.write(hits())
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert store.write(hits())
    store.close()


def write_many(path: pathlib.Path, batches: int) -> None:
    store = SqliteStore(path)
    write_batches(store, batches)
    store.close()


def write_at_once(path: pathlib.Path, ready: Barrier) -> None:
    ready.wait(60)
    write_many(path, 1)


def test_processes_that_make_one_new_file_at_once_wait_for_each_other(tmp_path):
    """SQLite's own time-out does not cover the change to write-ahead logging."""
    context = multiprocessing.get_context("fork")
    for number in range(20):
        path, ready = tmp_path / f"{number}.db", context.Barrier(8)
        writers = [
            context.Process(target=write_at_once, args=(path, ready)) for _ in range(8)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(60)
        assert [writer.exitcode for writer in writers] == [0] * 8


def test_eight_processes_lose_and_double_nothing(path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(path, 50)) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert counted(path) == 400


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_process_leaves_every_batch_whole(path, tmp_path, seed):
    kills = killed_at_random(lambda: SqliteStore(path), tmp_path / "ledger", seed)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert kills.accounted(SqliteStore(path)) == []


def test_a_forked_process_writes_through_a_connection_of_its_own(store, path):
    if (child := os.fork()) == 0:
        store.write(hits())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    store.write(hits())
    assert counted(path) == 3


def test_several_processes_may_start_on_an_empty_file_at_once(path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(path, 1)) for _ in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * 6
    assert counted(path) == 6
