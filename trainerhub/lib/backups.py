"""Back the database up, and prove that the backup can be restored."""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import secrets
import sqlite3
import subprocess
from collections.abc import Mapping
from typing import Any

#: A dump or restore that takes longer hangs.
LIMIT_SECONDS = 3600
COUNT = "SELECT COUNT(*) FROM django_migrations"


class BackupFailed(Exception):  # noqa: N818 (told to a person)
    """There is no new backup; those before are as they were."""


def back_up(database: Mapping[str, Any], folder: pathlib.Path) -> pathlib.Path:
    """
    Write a backup into a folder, restore it for a test, and give its path.

    Raises:
        BackupFailed: nothing was left behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    is_sqlite = database["ENGINE"].endswith("sqlite3")
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S%fZ")
    target = folder / f"backup-{stamp}.{'sqlite3' if is_sqlite else 'dump'}"
    unproven = target.with_suffix(target.suffix + ".part")
    unproven.touch(mode=0o600)
    try:
        (copy_sqlite if is_sqlite else dump_postgresql)(database, unproven)
        (prove_sqlite if is_sqlite else prove_postgresql)(database, unproven)
        unproven.rename(target)
    except (sqlite3.Error, OSError, subprocess.SubprocessError) as error:
        raise BackupFailed(reason_of(error)) from error
    finally:
        unproven.unlink(missing_ok=True)
    return target


def reason_of(error: Exception) -> str:
    """What a program that failed said, else the error."""
    said = getattr(error, "stderr", None)
    return str(said).strip()[-500:] if said else f"{type(error).__name__}: {error}"


def forget_old(folder: pathlib.Path, keep: int) -> list[pathlib.Path]:
    """Delete all but the latest so many; give what went."""
    old = sorted(folder.glob("backup-*[3p]"))[: -max(1, keep)]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def copy_sqlite(database: Mapping[str, Any], target: pathlib.Path) -> None:
    """Copy while others write; SQLite's own way to do it."""
    source = f"file:{pathlib.Path(database['NAME']).absolute()}?mode=ro"
    with (
        contextlib.closing(sqlite3.connect(source, uri=True)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)


def prove_sqlite(database: Mapping[str, Any], backup: pathlib.Path) -> None:
    """Open the copy, check every page and that Django's tables are there."""
    with contextlib.closing(sqlite3.connect(backup)) as copy:
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise BackupFailed(f"the copy is damaged: {found[:200]}")
        if not copy.execute(COUNT).fetchone()[0]:
            raise BackupFailed("the copy has no applied migration")


def run(database: Mapping[str, Any], *command: str) -> str:
    """Run one of PostgreSQL's programs with the database's address."""
    env = {
        **os.environ,
        "PGHOST": str(database.get("HOST") or ""),
        "PGPORT": str(database.get("PORT") or ""),
        "PGUSER": str(database.get("USER") or ""),
        "PGPASSWORD": str(database.get("PASSWORD") or ""),
        "PGCONNECT_TIMEOUT": "10",
    }
    env = {name: value for name, value in env.items() if value}
    done = subprocess.run(  # noqa: S603 (programs of ours, no shell)
        command, env=env, capture_output=True, text=True,
        timeout=LIMIT_SECONDS, check=True,
    )  # fmt: skip
    return done.stdout


def dump_postgresql(database: Mapping[str, Any], target: pathlib.Path) -> None:
    """Dump it in PostgreSQL's own format."""
    run(
        database,
        *("pg_dump", "--format=custom", "--no-owner", f"--file={target}"),
        str(database["NAME"]),
    )


def prove_postgresql(database: Mapping[str, Any], backup: pathlib.Path) -> None:
    """Restore it into a database of its own beside the real one, and look."""
    name = f"restore_test_{secrets.token_hex(6)}"
    run(database, "createdb", f"--maintenance-db={database['NAME']}", name)
    try:
        run(database, *("pg_restore", "--exit-on-error", "--no-owner"),
            f"--dbname={name}", str(backup))  # fmt: skip
        found = run(database, *("psql", "-At", "-X", f"--dbname={name}", "-c"), COUNT)
        if not int(found.strip() or 0):
            raise BackupFailed("the restored database has no applied migration")
    finally:
        run(database, "dropdb", f"--maintenance-db={database['NAME']}", name)
