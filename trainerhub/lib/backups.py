"""Back the database up, prove that the backup can be restored, and keep the latest."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import shutil
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from dbbackup.db.exceptions import ConnectorError
from django.db import Error

from trainerhub.lib import postgresql_backup, sqlite_backup
from trainerhub.lib.postgresql_backup import ABANDONED_SECONDS
from trainerhub.lib.proof import BackupFailed, compare

__all__ = ["Backup", "BackupFailed", "back_up", "forget_old"]

#: What goes wrong with databases, disks, programs, and what programs say.
TROUBLE = (Error, sqlite3.Error, ConnectorError, OSError, UnicodeError)


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
    unproven = target.with_suffix(".part")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Everybody's data is in it: for its owner alone from the first byte on.
        unproven.mkdir(mode=0o700)
        made = unproven / target.name
        made.touch(mode=0o600)
        counts = how.dump(database, made)
        compare(counts, how.restore(database, made))
        made.rename(target)
    except TROUBLE as error:
        raise BackupFailed(reason_of(error)) from error
    finally:
        shutil.rmtree(unproven, ignore_errors=True)
    return Backup(target, len(counts), sum(counts.values()))


def reason_of(error: Exception) -> str:
    """What a program that failed said, else the error."""
    # The library puts the command line before it.
    said = str(error).partition("\n")[2].strip()
    if isinstance(error, ConnectorError) and said:
        return said[-500:]
    return f"{type(error).__name__}: {error}"


def forget_old(folder: pathlib.Path, keep: int) -> list[pathlib.Path]:
    """Delete all but the latest so many, and what a killed backup left; give what went."""
    suffixes = (sqlite_backup.SUFFIX, postgresql_backup.SUFFIX)
    made = sorted(p for p in folder.glob("backup-*") if p.suffix[1:] in suffixes)
    old = made[: -max(1, keep)]
    for path in old:
        path.unlink(missing_ok=True)
    dead = time.time() - ABANDONED_SECONDS
    left = [p for p in folder.glob("backup-*.part") if p.stat().st_mtime < dead]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return [*old, *left]
