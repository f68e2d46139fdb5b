"""Back PostgreSQL up with its own pg_dump, and restore it into a database of its own."""

from __future__ import annotations

import datetime
import os
import pathlib
import secrets
import subprocess
from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from trainerhub.lib.proof import Counts

SUFFIX = "dump"
#: A dump or restore that takes longer hangs.
LIMIT_SECONDS = 3600
#: Django's names of what a connection needs, libpq's, and those of its environment.
PARAMETERS = {
    "NAME": ("dbname", "PGDATABASE"),
    "HOST": ("host", "PGHOST"),
    "PORT": ("port", "PGPORT"),
    "USER": ("user", "PGUSER"),
    "PASSWORD": ("password", "PGPASSWORD"),
}
OPTIONS = {
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}  # fmt: skip
#: Restored databases are called so, with the minute in which they were made.
PREFIX = "restore_test_"
TABLES: LiteralString = (
    "SELECT schemaname, tablename FROM pg_tables "
    "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
)


def dump(database: Mapping[str, Any], target: pathlib.Path) -> Counts:
    """Dump it in PostgreSQL's own format, and count the rows of the same snapshot."""
    with connect(database) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        [snapshot] = connection.execute("SELECT pg_export_snapshot()").fetchone() or ()
        counts = count(connection)
        run(
            database,
            *("pg_dump", "--format=custom", "--no-owner", "--no-privileges"),
            *(f"--snapshot={snapshot}", f"--file={target}"),
        )
    return counts


def restore(database: Mapping[str, Any], backup: pathlib.Path) -> Counts:
    """Restore it into a fresh database beside the real one, count, and drop that."""
    now = datetime.datetime.now(datetime.UTC)
    name = f"{PREFIX}{now:%Y%m%d%H%M}_{secrets.token_hex(4)}"
    with connect(database, autocommit=True) as connection:
        drop_left_over(connection, now)
        named = sql.Identifier(name)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(named)
        )
        try:
            run(
                database,
                *("pg_restore", "--exit-on-error", "--no-owner", "--no-privileges"),
                *(f"--dbname={name}", str(backup)),
            )
            with connect({**database, "NAME": name}) as restored:
                return count(restored)
        finally:
            drop(connection, name)


def connect(
    database: Mapping[str, Any], *, autocommit: bool = False
) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection as Django would make it."""
    given = database.get("OPTIONS") or {}
    wanted = {
        **{libpq: database.get(name) for name, (libpq, _) in PARAMETERS.items()},
        **{name: given.get(name) for name in OPTIONS},
        "connect_timeout": 10,
    }
    known = {name: value for name, value in wanted.items() if value}
    return psycopg.connect(make_conninfo("", **known), autocommit=autocommit)


def count(connection: psycopg.Connection[tuple[Any, ...]]) -> Counts:
    """The rows of each table."""
    found = {}
    for schema, name in connection.execute(TABLES).fetchall():
        asked = sql.SQL("SELECT COUNT(*) FROM {}").format(sql.Identifier(schema, name))
        row = connection.execute(asked).fetchone()
        found[f"{schema}.{name}"] = int(row[0]) if row else 0
    return found


def run(database: Mapping[str, Any], *command: str) -> None:
    """Run one of PostgreSQL's programs; the password is on no command line."""
    given = database.get("OPTIONS") or {}
    wanted = {
        **{env: database.get(name) for name, (_, env) in PARAMETERS.items()},
        **{env: given.get(name) for name, env in OPTIONS.items()},
        "PGCONNECT_TIMEOUT": "10",
    }
    env = {
        **os.environ,
        **{name: str(value) for name, value in wanted.items() if value},
    }
    subprocess.run(  # noqa: S603 (programs of ours, no shell)
        command, env=env, capture_output=True, text=True,
        timeout=LIMIT_SECONDS, check=True,
    )  # fmt: skip


def drop_left_over(
    connection: psycopg.Connection[tuple[Any, ...]], now: datetime.datetime
) -> None:
    """Drop what a backup that was killed has left, once none can be at it any more."""
    rows = connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (PREFIX,)
    ).fetchall()
    old = f"{PREFIX}{now - datetime.timedelta(seconds=2 * LIMIT_SECONDS):%Y%m%d%H%M}"
    for (name,) in rows:
        if name < old:
            drop(connection, name)


def drop(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
    """Drop a restored database."""
    asked = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    connection.execute(asked.format(sql.Identifier(name)))
