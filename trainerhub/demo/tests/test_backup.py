"""Backups are made while others write, proved by restoring, and reported."""

from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import threading
from typing import Any

import psycopg
import pytest
from dbbackup.db.exceptions import CommandConnectorError
from dbbackup.db.postgresql import PgDumpBinaryConnector
from dbbackup.db.sqlite import SqliteBackupConnector
from django.conf import settings
from django.core.management import CommandError, call_command

from trainerhub.lib import happenings, postgresql_backup, sqlite_backup
from trainerhub.lib.backups import BackupFailed, back_up, forget_old
from trainerhub.lib.databases import connected
from trainerhub.lib.proof import compare

# The library leaves it to Python to close what PostgreSQL's programs have said.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

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
    return {
        "ENGINE": "django.db.backends.sqlite3", "NAME": str(path),
        "OPTIONS": {"timeout": 30},
    }  # fmt: skip


@pytest.fixture(autouse=True)
def connections_of_its_own(django_db_blocker):
    """The backup connects by itself; the tests' own database is not touched."""
    with django_db_blocker.unblock():
        yield
    # What the library left open goes now, and no other test is told.
    gc.collect()


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


def execute(database, statement, *parameters):
    """Run a statement as somebody else."""
    with connected(database) as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)


def insert(database):
    execute(database, "INSERT INTO django_migrations VALUES (2)")


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


@pytest.fixture(params=[SqliteBackupConnector, PgDumpBinaryConnector])
def library(request):
    """One of the library's connectors, and a database that is its business."""
    is_sqlite = request.param is SqliteBackupConnector
    return request.param, request.getfixturevalue(
        "sqlite" if is_sqlite else "postgresql"
    )


def test_the_library_dumps_the_very_state_that_was_counted(
    library, tmp_path, monkeypatch
):
    connector, database = library
    real = connector.create_dump

    def write_and_dump(self):
        # SQLite's own connection must keep nobody from writing either.
        insert(database)
        return real(self)

    monkeypatch.setattr(connector, "create_dump", write_and_dump)
    assert [back_up(database, tmp_path / "b").rows for _ in range(2)] == [1, 2]


def test_the_library_restores_what_is_counted_beside_the_real_database(
    library, tmp_path, monkeypatch
):
    connector, database = library
    real = connector.restore_dump
    restored = []

    def restore(self, dump):
        restored.append(self.connection.settings_dict["NAME"])
        return real(self, dump)

    monkeypatch.setattr(connector, "restore_dump", restore)
    back_up(database, tmp_path / "b")
    [name] = restored
    assert name != database["NAME"]
    assert not pathlib.Path(name).exists()


def test_an_empty_database_is_no_backup_and_leaves_nothing(sqlite, tmp_path):
    execute(sqlite, "DELETE FROM django_migrations")
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
    assert not pathlib.Path(missing["NAME"]).exists()


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


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Put programs of this test's own before PostgreSQL's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def put(name, script):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


def test_odd_names_are_understood_and_no_password_is_seen(
    postgresql, tmp_path, programs, caplog
):
    seen = tmp_path / "seen"
    for name in ("pg_dump", "pg_restore"):
        programs(name, f'echo "{name} $*" >> {seen}\nexec {shutil.which(name)} "$@"')
    odd = "an 'odd' $name/%41 @é:1"
    execute(postgresql, f"CREATE ROLE \"{odd}\" LOGIN CREATEDB PASSWORD 'secret word'")
    execute(postgresql, f'CREATE DATABASE "{odd}" OWNER "{odd}"')
    with connected(postgresql) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW unix_socket_directories")
        [sockets] = cursor.fetchone()
    database = {
        **postgresql, "NAME": odd, "USER": odd, "PASSWORD": "secret word",
        "HOST": sockets,
    }  # fmt: skip
    for statement in TABLES:
        execute(database, statement)
    with caplog.at_level("DEBUG"):
        assert back_up(database, tmp_path / "an 'odd' folder").tables == 2
    told = seen.read_text()
    assert [line.split()[0] for line in told.splitlines()] == ["pg_dump", "pg_restore"]
    assert "pg_restore" in caplog.text
    assert "secret" not in told + caplog.text


@pytest.mark.parametrize("host", ["::1", "db.example.org", "", "a,b"])
def test_postgresql_s_programs_are_told_the_host_as_it_is(
    host, tmp_path, programs, monkeypatch
):
    monkeypatch.delenv("PGHOST", raising=False)
    programs("pg_dump", 'echo "[$PGHOST] $1" >&2; exit 1')
    remote = {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": host}
    with connected(remote) as connection, pytest.raises(CommandConnectorError) as told:
        postgresql_backup.connector(connection).create_dump()
    assert f"[{host}] --dbname=postgresql:///x\n" in str(told.value)


def test_a_dump_that_hangs_is_ended(postgresql, tmp_path, programs, monkeypatch):
    programs("pg_dump", "exec sleep 600")
    monkeypatch.setattr(postgresql_backup, "LIMIT_SECONDS", 1)
    with pytest.raises(BackupFailed, match=r"timeout: sending signal TERM to.*pg_dump"):
        back_up(postgresql, tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [("server is on fire", "^server is on fire$"), ("\\377", "UnicodeDecodeError")],
)
def test_what_a_program_said_is_the_reason(
    said, reason, postgresql, tmp_path, programs
):
    programs("pg_dump", f"printf '{said}' >&2; exit 1")
    with pytest.raises(BackupFailed, match=reason):
        back_up(postgresql, tmp_path / "b")


def test_what_a_killed_backup_left_in_postgresql_is_dropped(postgresql, tmp_path):
    execute(postgresql, "CREATE DATABASE restore_test_202001010000_abcd")
    back_up(postgresql, tmp_path / "b")


#: No file may grow beyond this: what a full disk is to a writing program.
FULL_DISK = """
import pathlib, resource, sys
sys.path.insert(0, {root!r})
from django.conf import settings
settings.configure(DATABASES={{"default": {database!r}}})
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
    execute(database, "CREATE TABLE IF NOT EXISTS big (text text)")
    execute(database, "INSERT INTO big VALUES (%s)", os.urandom(4000).hex())


#: It dies while the copy that the library makes for itself is there.
KILLED = """
import os, pathlib, signal, sys
sys.path.insert(0, {root!r})
from django.conf import settings
settings.configure(DATABASES={{"default": {database!r}}})
from dbbackup.db import sqlite
from trainerhub.lib.backups import back_up
sqlite.copyfileobj = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
back_up({database!r}, pathlib.Path({folder!r}))
"""


def test_what_a_killed_backup_leaves_is_found_and_deleted(sqlite, tmp_path):
    elsewhere, folder = tmp_path / "tmp", tmp_path / "b"
    elsewhere.mkdir()
    code = KILLED.format(
        root=str(pathlib.Path(__file__).parents[3]),
        database=sqlite, folder=str(folder),
    )  # fmt: skip
    env = {**os.environ, "TMPDIR": str(elsewhere)}
    assert subprocess.run([sys.executable, "-c", code], env=env).returncode == -9
    assert list(elsewhere.iterdir()) == []
    [left] = folder.iterdir()
    assert left.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in left.iterdir()} == {0o600}
    os.utime(left, (1, 1))
    assert forget_old(folder, 1) == [left]
    assert list(folder.iterdir()) == []


def test_a_backup_writes_nothing_to_the_database(sqlite, tmp_path):
    execute(sqlite, "PRAGMA journal_mode = DELETE")
    before = pathlib.Path(sqlite["NAME"]).read_bytes()
    options = {
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA user_version=1;",
    }
    back_up({**sqlite, "OPTIONS": options}, tmp_path / "b")
    assert pathlib.Path(sqlite["NAME"]).read_bytes() == before


def test_a_backup_of_a_database_in_wal_mode_is_one_file(sqlite, tmp_path):
    path = back_up(sqlite, tmp_path / "b").path
    with contextlib.closing(sqlite3.connect(path)) as opened:
        assert opened.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert opened.execute("SELECT id FROM django_migrations").fetchall() == [(1,)]
        assert list(path.parent.iterdir()) == [path]


def test_the_latest_backups_are_kept(sqlite, tmp_path):
    made = [back_up(sqlite, tmp_path / "b").path for _ in range(4)]
    assert forget_old(tmp_path / "b", 2) == made[:2]
    assert sorted((tmp_path / "b").iterdir()) == made[2:]


def test_what_a_killed_backup_left_is_deleted_once_none_is_at_it(tmp_path):
    old, new, other = (
        tmp_path / f"{name}.part" for name in ("backup-1", "backup-2", "x")
    )
    for path in (old, new, other):
        path.mkdir()
        (path / "half").touch()
        os.utime(path, (1, 1))
    os.utime(new)
    assert forget_old(tmp_path, 1) == [old]
    assert sorted(tmp_path.iterdir()) == [new, other]


@pytest.fixture
def use(monkeypatch):
    """Let the command back this database up."""

    def use(database):
        monkeypatch.setitem(settings.DATABASES, "default", database)

    return use


def test_the_command_reports_its_start_and_success_with_the_size(
    sqlite, tmp_path, use, reports
):
    use(sqlite)
    call_command("backup", to=tmp_path / "b", verbosity=0)
    assert [(ok, bool(size)) for ok, size, _ in reports] == [
        ("started", False),
        (True, True),
    ]


def test_the_command_reports_failure_with_the_reason(tmp_path, use, reports):
    use({"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "no.db")})
    with pytest.raises(CommandError, match="no backup was made"):
        call_command("backup", to=tmp_path / "b")
    assert [ok for ok, _, _ in reports] == ["started", False]
    assert "unable to open" in reports[-1][2]


def test_the_command_refuses_to_keep_nothing(tmp_path):
    with pytest.raises(CommandError, match="1 or more"):
        call_command("backup", to=tmp_path / "b", keep=0)
