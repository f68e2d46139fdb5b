"""Back the database up, prove that the backup can be restored, and keep the latest."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import pathlib
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from typing import Any

import psycopg

from trainerhub.lib import postgresql_backup, sqlite_backup
from trainerhub.lib.postgresql_backup import LIMIT_SECONDS
from trainerhub.lib.proof import BackupFailed, compare

__all__ = ["Backup", "BackupFailed", "back_up", "forget_old"]

#: What goes wrong with disks, databases and programs.
TROUBLE = (sqlite3.Error, psycopg.Error, OSError, subprocess.SubprocessError)


@dataclasses.dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was restored for a test, and what is in it."""

    path: pathlib.Path
    tables: int
    rows: int


def back_up(database: Mapping[str, Any], folder: pathlib.Path) -> Backup:
    """
    Write a backup into a folder and restore it for a test.

    Raises:
        BackupFailed: nothing was left behind.
    """
    how = sqlite_backup if database["ENGINE"].endswith("sqlite3") else postgresql_backup
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = folder / f"backup-{stamp}.{how.SUFFIX}"
    unproven = target.with_suffix(f".{how.SUFFIX}.part")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Everybody's data is in it: for its owner alone from the first byte on.
        unproven.touch(mode=0o600)
        counts = how.dump(database, unproven)
        compare(counts, how.restore(database, unproven))
        unproven.rename(target)
    except TROUBLE as error:
        raise BackupFailed(reason_of(error)) from error
    finally:
        with contextlib.suppress(OSError):
            # SQLite may have put files of its own beside it.
            for path in folder.glob(f"{unproven.name}*"):
                path.unlink()
    return Backup(target, len(counts), sum(counts.values()))


def reason_of(error: Exception) -> str:
    """What a program that failed said, else the error."""
    if isinstance(error, FileNotFoundError) and str(error.filename).startswith("pg_"):
        return (
            f"{error.filename} is not installed: on Debian, "
            "apt-get install postgresql-client, of the server's version or newer"
        )
    said = getattr(error, "stderr", None)
    return str(said).strip()[-500:] if said else f"{type(error).__name__}: {error}"


def forget_old(folder: pathlib.Path, keep: int) -> list[pathlib.Path]:
    """Delete all but the latest so many, and what a killed backup left; give what went."""
    suffixes = (sqlite_backup.SUFFIX, postgresql_backup.SUFFIX)
    made = sorted(p for p in folder.glob("backup-*") if p.suffix[1:] in suffixes)
    dead = time.time() - 2 * LIMIT_SECONDS
    left = [p for p in folder.glob("backup-*.part*") if p.stat().st_mtime < dead]
    gone = [*made[: -max(1, keep)], *left]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone
