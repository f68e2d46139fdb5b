"""Back SQLite up while others write, by django-dbbackup and SQLite's online backup."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from dbbackup.db.sqlite import SqliteBackupConnector
from django.db.backends.base.base import BaseDatabaseWrapper

from trainerhub.lib.databases import connected, count
from trainerhub.lib.proof import BackupFailed, Counts

SUFFIX = "sqlite3"
TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
)


def dump(database: Mapping[str, Any], target: pathlib.Path) -> Counts:
    """Copy it, and count the rows of the very state that is copied."""
    source = f"{pathlib.Path(database['NAME']).absolute().as_uri()}?mode=ro"
    with connected(database, NAME=source) as connection:
        with connection.cursor() as cursor:
            # What others write from the first read on is in neither.
            cursor.execute("BEGIN")
        counts = count(connection, TABLES)
        with (
            temporary_files_in(target.parent),
            connector(connection).create_dump() as dumped,
            target.open("wb") as file,
        ):
            shutil.copyfileobj(dumped, file)
    with (
        connected(database, NAME=str(target)) as connection,
        connection.cursor() as cursor,
    ):
        # One file, which reading does not surround with a log and an index.
        cursor.execute("PRAGMA journal_mode = DELETE")
    return counts


def restore(database: Mapping[str, Any], backup: pathlib.Path) -> Counts:
    """Restore it into a fresh file, check every page, and count."""
    with (
        tempfile.TemporaryDirectory(dir=backup.parent, prefix="restored-") as folder,
        connected(database, NAME=f"{folder}/restored.{SUFFIX}") as connection,
    ):
        with backup.open("rb") as dumped:
            connector(connection).restore_dump(dumped)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            [found] = cursor.fetchone()
        if found != "ok":
            raise BackupFailed(f"the copy is damaged: {found[:200]}")
        return count(connection, TABLES)


def connector(connection: BaseDatabaseWrapper) -> SqliteBackupConnector:
    """The library's, on a connection of ours instead of the application's."""
    made = SqliteBackupConnector(connection.alias)
    made.connection = connection
    return made


@contextlib.contextmanager
def temporary_files_in(folder: pathlib.Path) -> Iterator[None]:
    """
    Let the library make its temporary copy here.

    What a killed backup leaves in /tmp would stay there, with everybody's data in it.
    """
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
