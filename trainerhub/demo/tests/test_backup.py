"""Backups are made while others write, proved by restoring, and reported."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3
import subprocess
import sys
import threading
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from trainerhub.lib import happenings, postgresql_backup, sqlite_backup
from trainerhub.lib.backups import BackupFailed, back_up, forget_old
from trainerhub.lib.proof import compare

TABLES = (
    "CREATE TABLE django_migrations (id integer)",
    "INSERT INTO django_migrations VALUES (1)",
    'CREATE TABLE "Odd name" (id integer)',
)


def make_sqlite(path: pathlib.Path) -> dict[str, Any]:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in TABLES:
            connection.execute(statement)
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}


@pytest.fixture
def sqlite(tmp_path):
    return make_sqlite(tmp_path / "real.db")


@pytest.fixture
def postgresql(postgres, request):
    """A database of this test's own, and the number of restored ones beside it."""
    url = postgres.create_database(f"backed_up_{abs(hash(request.node.name))}")
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in TABLES:
            connection.execute(statement)
        info = connection.info
        yield {
            "ENGINE": "django.db.backends.postgresql", "NAME": info.dbname,
            "HOST": info.host, "PORT": info.port, "USER": info.user,
            "OPTIONS": {"sslmode": "prefer"},
        }  # fmt: skip
        left = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'restore_test%'"
        ).fetchall()
        assert left == []


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def reports():
    heard = []

    def hear(signal, **facts):
        ok = facts.get("ok", "started")
        heard.append((ok, facts.get("size"), facts.get("output")))

    for signal in (happenings.backup_started, happenings.backup_ended):
        signal.connect(hear)
    yield heard
    for signal in (happenings.backup_started, happenings.backup_ended):
        signal.disconnect(hear)


def how(database):
    is_sqlite = database["ENGINE"].endswith("sqlite3")
    return sqlite_backup if is_sqlite else postgresql_backup


def test_a_backup_has_all_rows_of_all_tables_and_is_its_owners_alone(
    database, tmp_path
):
    folder = tmp_path / "backups"
    made = back_up(database, folder)
    assert (made.tables, made.rows) == (2, 1)
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == [made.path]
    again = how(database).restore(database, made.path)
    assert sum(again.values()) == 1


def insert(database):
    """A function that adds a row, from anywhere."""
    if how(database) is sqlite_backup:
        connection: Any = sqlite3.connect(database["NAME"], timeout=30)
    else:
        connection = postgresql_backup.connect(database)
    with contextlib.closing(connection), connection:
        connection.execute("INSERT INTO django_migrations VALUES (2)")


def test_what_is_written_meanwhile_does_not_fail_the_proof(database, tmp_path):
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.005):
            insert(database)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(3):
            assert back_up(database, tmp_path / "b").rows >= 1
    finally:
        over.set()
        thread.join()


def test_an_empty_database_is_no_backup_and_leaves_nothing(sqlite, tmp_path):
    with contextlib.closing(sqlite3.connect(sqlite["NAME"])) as connection, connection:
        connection.execute("DELETE FROM django_migrations")
    with pytest.raises(BackupFailed, match="no applied migration"):
        back_up(sqlite, tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == []


def test_a_backup_that_lacks_a_row_is_none(database, tmp_path, monkeypatch):
    real = how(database).dump

    def dump(*given):
        counts = real(*given)
        return {name: n + ("Odd" in name) for name, n in counts.items()}

    monkeypatch.setattr(how(database), "dump", dump)
    with pytest.raises(
        BackupFailed, match="Odd name has 0 rows; the database has 1 row"
    ):
        back_up(database, tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == []


def test_a_backup_that_is_damaged_is_none_and_the_last_good_one_stays(
    database, tmp_path, monkeypatch
):
    good = back_up(database, tmp_path / "b")
    real = how(database).dump

    def dump(database, target):
        counts = real(database, target)
        content = bytearray(target.read_bytes())
        content[len(content) // 3 :] = b"\xff" * (len(content) - len(content) // 3)
        target.write_bytes(content)
        return counts

    monkeypatch.setattr(how(database), "dump", dump)
    with pytest.raises(BackupFailed):
        back_up(database, tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == [good.path]


@pytest.mark.parametrize(
    ("real", "restored", "said"),
    [
        ({"django_migrations": 1, "a": 2}, {"django_migrations": 1}, "a has no rows, as there is no such table"),
        ({"django_migrations": 1}, {"django_migrations": 1, "a": 2}, "a has 2 rows"),
        ({"x.django_migrations": 2}, {"x.django_migrations": 1}, "has 1 row; the database has 2 rows"),
        ({}, {}, "no applied migration"),
    ],
)  # fmt: skip
def test_a_difference_is_named(real, restored, said):
    with pytest.raises(BackupFailed, match=said):
        compare(real, restored)


def test_a_database_that_is_not_there_is_no_backup(tmp_path):
    missing = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "no.db")}
    with pytest.raises(BackupFailed):
        back_up(missing, tmp_path / "b")


def test_a_folder_that_can_not_be_made_is_said(sqlite, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BackupFailed, match=r"NotADirectoryError|FileExistsError"):
        back_up(sqlite, tmp_path / "file" / "b")


def test_without_postgresqls_programs_it_says_what_to_install(
    postgresql, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupFailed, match="apt-get install postgresql-client"):
        back_up(postgresql, tmp_path / "b")


def test_what_a_killed_backup_left_in_postgresql_is_dropped(postgresql, tmp_path):
    with postgresql_backup.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE DATABASE restore_test_202001010000_abcd")
    back_up(postgresql, tmp_path / "b")


#: No file may grow beyond this: what a full disk is to a writing program.
FULL_DISK = """
import pathlib, resource, sys
sys.path.insert(0, {root!r})
from trainerhub.lib.backups import BackupFailed, back_up
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    back_up({database!r}, pathlib.Path({folder!r}))
except BackupFailed as error:
    print(f"failed: {{error}}")
"""


def test_a_disk_that_is_full_is_a_failure_that_leaves_nothing(database, tmp_path):
    for _ in range(30):
        fill(database)
    code = FULL_DISK.format(
        root=str(pathlib.Path(__file__).parents[3]),
        database=database, folder=str(tmp_path / "b"),
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("failed: "), done.stderr
    assert list((tmp_path / "b").iterdir()) == []


def fill(database):
    """Some kilobytes that can't be compressed."""
    if how(database) is sqlite_backup:
        connection: Any = sqlite3.connect(database["NAME"])
        statement = "INSERT INTO big VALUES (?)"
    else:
        connection = postgresql_backup.connect(database)
        statement = "INSERT INTO big VALUES (%s)"
    with contextlib.closing(connection), connection:
        connection.execute("CREATE TABLE IF NOT EXISTS big (text text)")
        connection.execute(statement, (os.urandom(4000).hex(),))


def test_the_latest_backups_are_kept(sqlite, tmp_path):
    made = [back_up(sqlite, tmp_path / "b").path for _ in range(4)]
    assert forget_old(tmp_path / "b", 2) == made[:2]
    assert sorted((tmp_path / "b").iterdir()) == made[2:]


def test_what_a_killed_backup_left_is_deleted_once_none_is_at_it(tmp_path):
    old, new = tmp_path / "backup-1.dump.part", tmp_path / "backup-2.dump.part"
    for path in (old, new, tmp_path / "other.part"):
        path.touch()
    os.utime(old, (1, 1))
    assert forget_old(tmp_path, 1) == [old]
    assert new.exists()


def test_the_command_reports_its_start_and_success_with_the_size(
    sqlite, tmp_path, settings, reports
):
    settings.DATABASES["default"] = {**settings.DATABASES["default"], **sqlite}
    call_command("backup", to=tmp_path / "b", verbosity=0)
    assert [(ok, bool(size)) for ok, size, _ in reports] == [
        ("started", False),
        (True, True),
    ]


def test_the_command_reports_failure_with_the_reason(tmp_path, settings, reports):
    missing = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "no.db")}
    settings.DATABASES["default"] = {**settings.DATABASES["default"], **missing}
    with pytest.raises(CommandError, match="no backup was made"):
        call_command("backup", to=tmp_path / "b")
    assert [ok for ok, _, _ in reports] == ["started", False]
    assert "unable to open" in reports[-1][2]


def test_the_command_refuses_to_keep_nothing(tmp_path):
    with pytest.raises(CommandError, match="1 or more"):
        call_command("backup", to=tmp_path / "b", keep=0)
