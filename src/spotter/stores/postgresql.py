"""The shared store: tables in a PostgreSQL database that several machines write to."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg

from spotter.stores.contract import (
    ConnectionLostError,
    Level,
    RefusedError,
    StoreError,
)
from spotter.stores.schema import Dialect, Execute, table, upgrade
from spotter.stores.sql import SqlStore

#: The longest that one transaction may take, whatever the server does.
DEADLINE_SECONDS = 8.0
#: A connection that fails later than this hangs: a new one would too.
AT_ONCE_SECONDS = 1.0
#: pg_advisory_xact_lock's key: one writer at a time. Any number does, if it is ours.
WRITERS_LOCK = 0x53504F54  # "SPOT"
#: Executions after which a statement is planned for good.
PREPARE_AT = 2
#: A writer that stands still for so long, stopped or asleep with its machine, is put out
#: by the server: before others give the lock up, and take the store for gone.
STILL_MILLISECONDS, LOCK_MILLISECONDS = 2000, 4000
#: What is wrong with the values, and what the driver calls so but is the database's state.
REFUSED = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError)
MISSING = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.InvalidCatalogName,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.UndefinedTable,
)
DIALECT = Dialect(
    serial="BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    blob="BYTEA",
    real="DOUBLE PRECISION",
    big="BIGINT",
    suffix="",
)
#: Nothing here may hang: not connecting, not a statement, not a dead peer. And nothing is
#: compiled: what is read by looking up takes milliseconds, compiling it hundreds. Nor is
#: anything planned for its parameters: by any of them it is looked up in the same way.
CONNECT: dict[str, Any] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 5000,
    "application_name": "spotter",
    "options": "-c jit=off -c plan_cache_mode=force_generic_plan -c statement_timeout=5000 "
    f"-c lock_timeout={LOCK_MILLISECONDS} "
    "-c idle_in_transaction_session_timeout=10000",
}


class PostgresqlStore(SqlStore):
    """A store in a PostgreSQL database; its tables begin with `spotter_`."""

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self.url = url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._pid = 0
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Execute]:
        with self._lock:
            has_begun = False
            try:
                if self._marks is not None and not write:
                    # One after another in a transaction that has begun.
                    yield functools.partial(fetch, self._connect())
                    return
                with contextlib.ExitStack() as stack:
                    connection = self._begin(stack, write=write)
                    has_begun = True
                    yield functools.partial(fetch, connection)
            except psycopg.Error as error:
                self._series.forget()
                failure: type[StoreError] = StoreError
                if has_begun and is_refusal(error):
                    failure = RefusedError
                if self._connection is not None and self._connection.broken:
                    self.close()
                    failure = ConnectionLostError
                reason = type(error).__name__
                # A driver's message may hold the address and user: only its class.
                raise failure(f"The PostgreSQL store: {reason}.") from error
            except BaseException:
                self._series.forget()
                raise

    def _begin(
        self, stack: contextlib.ExitStack, *, write: bool
    ) -> psycopg.Connection[tuple[Any, ...]]:
        """Begin a transaction, on a new connection if the old one ended since its last."""
        started, was_connected = time.monotonic(), self._connection is not None
        connection = self._connect()
        try:
            stack.enter_context(begun(connection, write=write))
        except psycopg.OperationalError:
            is_late = time.monotonic() - started > AT_ONCE_SECONDS
            if is_late or not was_connected or not connection.broken:
                raise
            self.close()
            connection = self._connect()
            stack.enter_context(begun(connection, write=write))
        return connection

    def begin_instant(self, execute: Execute) -> None:
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    far = True
    least, greatest = "LEAST", "GREATEST"
    last = "(ARRAY_AGG(last ORDER BY last_at DESC) FILTER (WHERE last_at > 0))[1]"

    def buckets_of(self, execute: Execute, where: str) -> dict[int, bytes]:
        rows = execute(f"SELECT series_id, buckets FROM {where}")
        return {row[0]: bytes(row[1]) for row in rows}

    def one_of(self, ids: list[int]) -> tuple[str, list[Any]]:
        # One statement for any number of them: it is planned once.
        return "= ANY(?)", [ids]

    def look_up(self, level: Level, columns: str, starts: str, which: str) -> str:
        # OFFSET 0 keeps the planner from making one scan of the table out of it.
        return (
            f"{starts} SELECT {columns} FROM w "
            f"CROSS JOIN LATERAL (SELECT * FROM {table(level)} p "
            f"WHERE p.starts_at = w.start AND p.series_id {which} OFFSET 0) p WHERE TRUE"
        )

    def size(self) -> int:
        with self.transaction(write=False) as execute:
            found = execute(
                "SELECT SUM(pg_total_relation_size(oid)) FROM pg_class "
                "WHERE relkind = 'r' AND relname LIKE 'spotter%' "
                "AND relnamespace = current_schema()::regnamespace"
            )
        return int(found[0][0] or 0)

    def close(self) -> None:
        with self._lock:
            # After a fork the connection is the parent's: closing it here would end
            # the parent's session.
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is not None and self._pid == os.getpid():
            return self._connection
        self._series.forget()
        connection = psycopg.connect(self.url, autocommit=True, **CONNECT)
        connection.prepare_threshold = PREPARE_AT
        try:
            with begun(connection, write=True):
                upgrade(functools.partial(fetch, connection), DIALECT)
        except (psycopg.Error, StoreError):
            connection.close()
            raise
        self._connection, self._pid = connection, os.getpid()
        return connection


def is_refusal(error: psycopg.Error) -> bool:
    """Whether the values are at fault, so that to try again would not help."""
    return isinstance(error, REFUSED) and not isinstance(error, MISSING)


@contextlib.contextmanager
def begun(
    connection: psycopg.Connection[tuple[Any, ...]], *, write: bool
) -> Iterator[None]:
    """One transaction; a writer's has the lock."""
    with deadline(connection), connection.transaction():
        if write:
            take_writers_lock(connection)
        yield


@contextlib.contextmanager
def deadline(connection: psycopg.Connection[tuple[Any, ...]]) -> Iterator[None]:
    """
    Cut the connection when a transaction takes longer than DEADLINE_SECONDS.

    A server that accepts and never answers is seen by no time-out of the driver's:
    statement_timeout is the server's, tcp_user_timeout the kernel's for a dead peer.
    """
    peer = socket.socket(fileno=os.dup(connection.fileno()))
    timer = threading.Timer(DEADLINE_SECONDS, cut, (peer,))
    timer.daemon = True
    try:
        # At the end of an interpreter no thread can be had; the server's own limits hold.
        with contextlib.suppress(RuntimeError):
            timer.start()
        yield
    finally:
        timer.cancel()
        peer.close()


def cut(peer: socket.socket) -> None:
    """Shut a socket down, so that whoever waits on it wakes up with an error."""
    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)


def fetch(
    connection: psycopg.Connection[tuple[Any, ...]],
    statement: str,
    parameters: Sequence[Any] = (),
) -> list[tuple[Any, ...]]:
    """Run one statement and give all its rows."""
    cursor = connection.execute(translate(statement), parameters)
    return cursor.fetchall() if cursor.description else []


def take_writers_lock(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Wait for the other writers; let go by itself at the end of the transaction."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(%s), "
        "set_config('idle_in_transaction_session_timeout', %s, TRUE)",
        (WRITERS_LOCK, str(STILL_MILLISECONDS)),
    )


def translate(statement: str) -> bytes:
    """From `?` placeholders to psycopg's."""
    return statement.replace("%", "%%").replace("?", "%s").encode()
