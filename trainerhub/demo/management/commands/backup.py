"""Back the database up, restore it for a test, and report how it went."""

from __future__ import annotations

import pathlib
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from trainerhub.lib import happenings
from trainerhub.lib.backups import BackupFailed, back_up, forget_old


class Command(BaseCommand):
    help = "Back the database up into a folder; the backup is restored to prove it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=pathlib.Path, default=settings.VAR / "backups")
        parser.add_argument("--keep", type=int, default=14, help="how many stay")

    def handle(self, *, to: pathlib.Path, keep: int, **options: Any) -> None:
        if keep < 1:
            raise CommandError(
                "--keep must be 1 or more: the new backup is one of them."
            )
        happenings.backup_started.send_robust(sender=None)
        started = time.monotonic()
        try:
            made = back_up(settings.DATABASES["default"], to)
        except BackupFailed as error:
            self.report(started, ok=False, output=str(error))
            raise CommandError(f"no backup was made: {error}") from error
        size = made.path.stat().st_size
        self.report(started, ok=True, size=size)
        gone = forget_old(to, keep)
        self.stdout.write(
            f"{made.path} ({size:,} bytes), restored for a test: {made.rows:,} rows in "
            f"{made.tables} tables; {len(gone)} old deleted"
        )

    def report(self, started: float, **facts: Any) -> None:
        seconds = time.monotonic() - started
        happenings.backup_ended.send_robust(sender=None, seconds=seconds, **facts)
