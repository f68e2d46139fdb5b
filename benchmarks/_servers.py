"""The same store in PostgreSQL, on a server of the benchmark's own."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import time
from collections.abc import Iterator

import psycopg
from psycopg import sql

from benchmarks._ninety_days import NOW
from spotter.stores.postgresql import PostgresqlStore
from tests.servers.postgres import running_postgres

ROWS_AT_ONCE = 10_000


@contextlib.contextmanager
def copied(path: pathlib.Path) -> Iterator[str]:
    """The address of a database with all that a SQLite store holds."""
    with running_postgres() as server:
        url = server.create_database("spotter")
        started = time.perf_counter()
        store = PostgresqlStore(url, lambda: NOW)
        store.written_at()  # makes the tables
        copy(path, url)
        size, seconds = store.size() / 1e6, time.perf_counter() - started
        print(f"PostgreSQL: {size:.1f} MB, copied in {seconds:.0f} s", flush=True)
        store.close()
        yield url


def copy(path: pathlib.Path, url: str) -> None:
    """Copy every table, row by row as the store wrote it."""
    with contextlib.closing(sqlite3.connect(path)) as source, psycopg.connect(url, autocommit=True) as target:  # fmt: skip
        names = source.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'spotter_%'"
        )
        for (name,) in names.fetchall():
            rows = source.execute(f"SELECT * FROM {name}")
            columns = [each[0] for each in rows.description]
            table = sql.Identifier(name)
            target.execute(sql.SQL("TRUNCATE {}").format(table))
            order = sql.SQL("COPY {} ({}) FROM STDIN").format(
                table, sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with target.cursor().copy(order) as into:
                while some := rows.fetchmany(ROWS_AT_ONCE):
                    for row in some:
                        into.write_row(row)
            if columns[0] == "id":
                advance(target, name)
        target.execute("VACUUM ANALYZE")


def advance(target: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Let the table's own numbers go on behind those that were copied."""
    found = target.execute(
        "SELECT pg_get_serial_sequence(%s, 'id')", (name,)
    ).fetchone()
    if found and found[0]:
        target.execute(
            sql.SQL("SELECT setval(%s, (SELECT MAX(id) FROM {}))").format(
                sql.Identifier(name)
            ),
            (found[0],),
        )
