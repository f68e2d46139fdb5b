"""Back PostgreSQL up by django-dbbackup, and restore it into a database of its own."""

from __future__ import annotations

import datetime
import pathlib
import secrets
import shlex
import shutil
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from dbbackup.db.postgresql import PgDumpBinaryConnector
from django.db.backends.base.base import BaseDatabaseWrapper

from trainerhub.lib.databases import connected, count
from trainerhub.lib.proof import BackupFailed, Counts

SUFFIX = "dump"
#: A dump or restore that takes longer hangs.
LIMIT_SECONDS = 3600
#: No backup is at what was begun before so long.
ABANDONED_SECONDS = 3 * LIMIT_SECONDS
#: Restored databases are called so, with the minute in which they were made.
PREFIX = "restore_test_"
TABLES = (
    "SELECT schemaname, tablename FROM pg_tables "
    "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
)
#: Rights and owners are the server's own business.
PLAIN = ("--no-owner", "--no-privileges")


def dump(database: Mapping[str, Any], target: pathlib.Path) -> Counts:
    """Dump it in PostgreSQL's own format, and count the rows of the same snapshot."""
    require_programs()
    with connected(database) as connection:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            [snapshot] = cursor.fetchone()
        counts = count(connection, TABLES)
        # Into the file at once: the library would put a copy into /tmp.
        asked = (*PLAIN, f"--snapshot={snapshot}", f"--file={target}")
        connector(connection, dump_suffix=shlex.join(asked)).create_dump().close()
    return counts


def restore(database: Mapping[str, Any], backup: pathlib.Path) -> Counts:
    """Restore it into a fresh database beside the real one, count, and drop that."""
    now = datetime.datetime.now(datetime.UTC)
    name = f"{PREFIX}{now:%Y%m%d%H%M}_{secrets.token_hex(4)}"
    asked = ("--exit-on-error", *PLAIN)
    with connected(database) as real:
        drop_left_over(real, now)
        execute(real, f'CREATE DATABASE "{name}" TEMPLATE template0')
        try:
            with connected(database, NAME=name) as restored:
                made = connector(restored, restore_suffix=shlex.join(asked))
                with backup.open("rb") as dumped:
                    made.restore_dump(dumped).close()
                return count(restored, TABLES)
        finally:
            drop(real, name)


def connector(connection: BaseDatabaseWrapper, **options: str) -> PgDumpBinaryConnector:
    """
    The library's, on a connection of ours, with an end to its programs' patience.

    Where to connect goes into their environment, as it is: the library would write it
    into an address, where not every host, user and database can be written.
    """
    given = connection.settings_dict
    patience = f"timeout --foreground --verbose --kill-after=60 {LIMIT_SECONDS}"
    env = {
        "PGHOST": given["HOST"],
        "PGPORT": given["PORT"],
        "PGUSER": given["USER"],
        "PGCONNECT_TIMEOUT": given["OPTIONS"].get("connect_timeout", 10),
    }
    made = PgDumpBinaryConnector(
        connection.alias,
        env={name: str(value) for name, value in env.items() if value},
        dump_prefix=patience, restore_prefix=patience,
        # The restored database is empty, and dropped when anything fails.
        drop=False, if_exists=False, single_transaction=False,
        **options,
    )  # fmt: skip
    made.connection = connection
    name = quote(given["NAME"], safe="")
    made.settings.update(HOST="", PORT="", USER="", NAME=name)
    return made


def require_programs() -> None:
    """
    Refuse to begin without PostgreSQL's programs.

    Raises:
        BackupFailed: which one, and how to install it.
    """
    for name in (PgDumpBinaryConnector.dump_cmd, PgDumpBinaryConnector.restore_cmd):
        if shutil.which(name) is None:
            raise BackupFailed(
                f"{name} is not installed: on Debian, "
                "apt-get install postgresql-client, of the server's version or newer"
            )


def drop_left_over(connection: BaseDatabaseWrapper, now: datetime.datetime) -> None:
    """Drop what a backup that was killed has left, once none can be at it any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]
        )
        names = [name for (name,) in cursor.fetchall()]
    old = f"{PREFIX}{now - datetime.timedelta(seconds=ABANDONED_SECONDS):%Y%m%d%H%M}"
    for name in names:
        if name < old:
            drop(connection, name)


def drop(connection: BaseDatabaseWrapper, name: str) -> None:
    """Drop a restored database."""
    quoted = name.replace('"', '""')
    execute(connection, f'DROP DATABASE IF EXISTS "{quoted}" WITH (FORCE)')


def execute(connection: BaseDatabaseWrapper, statement: str) -> None:
    """Run a statement that answers nothing."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
