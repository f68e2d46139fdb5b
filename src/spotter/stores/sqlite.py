"""The embedded store: one SQLite file that every process of a machine writes to."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import glob
import itertools
import os
import pathlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from spotter.stores.contract import Level, RefusedError, StoreError
from spotter.stores.rows import Row
from spotter.stores.schema import Dialect, Execute, table, upgrade
from spotter.stores.sql import SqlStore

#: How long a flush waits for another process's, in seconds; it happens off the request.
BUSY_SECONDS = 2.0
#: How soon what SQLite does not wait for is tried again.
RETRY_SECONDS = 0.01
#: Pages that each process keeps of the file.
CACHE_KILOBYTES = 512
MEMORY = ":memory:"
#: What is wrong with the values, not with the file: to try again would not help.
REFUSED = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
#: What is added to the path for the files that belong together.
SIDE_FILES = ("", "-wal", "-shm")
#: What a damaged file's name goes on with, and how many of them are kept.
DAMAGED, DAMAGED_KEPT = ".corrupt-", 3
DIALECT = Dialect(
    serial="INTEGER PRIMARY KEY",
    blob="BLOB",
    real="REAL",
    big="INTEGER",
    suffix=" WITHOUT ROWID",
)


class SqliteStore(SqlStore):
    """
    A store in a file, or with `:memory:` in this process alone.

    A file that was deleted is made anew. One that is not a database any more is put
    aside as `….corrupt-<time>` and begun afresh: telemetry goes on, and what was can
    still be looked at. The latest three of them are kept.
    """

    def __init__(
        self, path: str | pathlib.Path, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(clock)
        self.path = str(path)
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] = (0, 0)
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Execute]:
        with self._lock:
            try:
                connection = self._connect()
                # Whoever writes may read meanwhile, such as an alert's evidence.
                is_inner = connection.in_transaction and not write
                if not is_inner:
                    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            except (sqlite3.Error, OSError) as error:
                raise self._unavailable(error) from error
            if is_inner:
                try:
                    yield functools.partial(fetch, connection)
                except sqlite3.Error as error:
                    raise self._unavailable(error) from error
                return
            try:
                yield lambda statement, parameters=(): fetch(
                    connection, statement, parameters
                )
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back(connection)
                raise self._unavailable(error) from error
            except BaseException:
                self._roll_back(connection)
                raise

    def buckets_of(self, execute: Execute, where: str) -> dict[int, bytes]:
        # One row: between two of them another thread may take the interpreter.
        found = execute(
            f"SELECT json_group_array(json_array(series_id, hex(buckets))) FROM {where}"
        )
        return {id_: bytes.fromhex(text) for id_, text in orjson.loads(found[0][0])}

    def look_up(self, level: Level, columns: str, starts: str, which: str) -> str:
        # CROSS JOIN, which SQLite takes as the order to do it in.
        return (
            f"{starts} SELECT {columns} FROM w "
            f"CROSS JOIN {table(level)} p "
            f"WHERE p.starts_at = w.start AND p.series_id {which}"
        )

    def size(self) -> int:
        if self.path == MEMORY:
            with self.transaction(write=False) as execute:
                pages = execute("PRAGMA page_count")[0][0]
                return int(pages * execute("PRAGMA page_size")[0][0])
        return sum(bytes_of(self.path + suffix) for suffix in SIDE_FILES)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None and self._opened[0] == os.getpid():
                self._connection.close()
            self._connection = None

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        self._series.forget()  # Ids that were made in this transaction are gone.
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")

    def _connect(self) -> sqlite3.Connection:
        """The open connection, or a new one after a fork or when the file was lost."""
        place = (os.getpid(), inode(self.path))
        if self._connection is not None and place == self._opened:
            return self._connection
        # A connection must not cross a fork: the parent's is left alone, not closed.
        self.close()
        self._opened = place
        self._series.forget()
        if self.path != MEMORY:
            pathlib.Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            # A statement for five hundred rows is a megabyte when compiled, and each
            # number of rows is another statement: kept, they were fourteen.
            cached_statements=0,
        )
        try:
            prepare(connection)
        except (sqlite3.Error, StoreError):
            connection.close()
            raise
        self._connection = connection
        self._opened = (os.getpid(), inode(self.path))
        return connection

    def _unavailable(self, error: Exception) -> StoreError:
        """Say what is wrong with the file, and put it aside when it is damaged."""
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in (
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_NOTADB,
        ):
            self.close()
            aside = set_aside(self.path, self._opened[1])
            went = (
                f"it was moved to {aside} and" if aside else "it was moved before, and"
            )
            return StoreError(
                f"{self.path} is damaged ({error}); {went} a new one is begun."
            )
        if isinstance(error, REFUSED) and self._connection is not None:
            return RefusedError(f"{self.path} refuses what it is given: {error}.")
        return StoreError(f"{self.path} can't be used: {error}.")


def fetch(
    connection: sqlite3.Connection, statement: str, parameters: Sequence[Any] = ()
) -> list[Row]:
    """Run one statement and give all its rows."""
    return connection.execute(statement, parameters).fetchall()


def prepare(connection: sqlite3.Connection) -> None:
    """Set a new connection up and make the tables, safely with many at once."""
    # WAL: readers and the writer do not wait for each other. NORMAL: a power cut may
    # cost the last flushes, never the file.
    write_ahead(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    # A text that a disk has damaged costs its row, not every statement that finds it.
    connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
    # The system keeps the file's pages anyway, once for all processes.
    connection.execute(f"PRAGMA cache_size = -{CACHE_KILOBYTES}")
    connection.execute("BEGIN IMMEDIATE")
    upgrade(functools.partial(fetch, connection), DIALECT)
    connection.execute("COMMIT")


def write_ahead(connection: sqlite3.Connection) -> None:
    """
    Go over to write-ahead logging.

    Where several processes make a new file at once SQLite does not wait for it, as it
    does for any other lock, but fails.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > until:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            return


def inode(path: str) -> int:
    """Which file the path names now; 0 for none."""
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def bytes_of(path: str) -> int:
    """How large a file is; 0 when there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def set_aside(path: str, which: int) -> str | None:
    """
    Rename a damaged database with its side files; give its new name.

    Args:
        which: the file's inode. None is given, and nothing done, where the path names
            another one by now: the one that somebody else has begun.
    """
    with alone(path):
        if inode(path) != which:
            return None
        aside = name_aside(path)
        for suffix in SIDE_FILES:
            with contextlib.suppress(OSError):
                os.replace(path + suffix, aside + suffix)
        # A disk that damages one file after the other must not be filled by them.
        for old in damaged(path)[DAMAGED_KEPT:]:
            for suffix in SIDE_FILES:
                with contextlib.suppress(OSError):
                    os.unlink(old + suffix)
    return aside


@contextlib.contextmanager
def alone(path: str) -> Iterator[None]:
    """Have no other process put the file aside meanwhile."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
            stack.callback(os.close, folder)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield


def name_aside(path: str) -> str:
    """A name for a damaged file, by the time, that no other has."""
    stem = f"{path}{DAMAGED}{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"
    names = itertools.chain([stem], (f"{stem}_{n:02}" for n in itertools.count(1)))
    return next(name for name in names if not os.path.lexists(name))


def damaged(path: str) -> list[str]:
    """The damaged files that were put aside, the latest first."""
    # Not their side files, whose names end in letters.
    return sorted(glob.glob(f"{glob.escape(path)}{DAMAGED}*[0-9]"), reverse=True)
