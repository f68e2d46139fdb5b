"""Back SQLite up while others write, by SQLite's own online backup."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from collections.abc import Mapping
from typing import Any

from trainerhub.lib.proof import BackupFailed, Counts

SUFFIX = "sqlite3"


def dump(database: Mapping[str, Any], target: pathlib.Path) -> Counts:
    """Copy it, and count the rows of the very state that is copied."""
    source = f"file:{pathlib.Path(database['NAME']).absolute()}?mode=ro"
    with (
        contextlib.closing(sqlite3.connect(source, uri=True)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        # What others write from the first read on is in neither.
        old.execute("BEGIN")
        counts = count(old)
        old.backup(new)
        # One file, which reading does not surround with a log and an index.
        new.execute("PRAGMA journal_mode = DELETE")
    return counts


def restore(database: Mapping[str, Any], backup: pathlib.Path) -> Counts:
    """Open the copy, check every page, and count."""
    opened = sqlite3.connect(f"file:{backup.absolute()}?mode=ro", uri=True)
    with contextlib.closing(opened) as copy:
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise BackupFailed(f"the copy is damaged: {found[:200]}")
        return count(copy)


def count(connection: sqlite3.Connection) -> Counts:
    """The rows of each table."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return {
        name: connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0]  # noqa: S608 (the database's own names)
        for (name,) in names
    }
