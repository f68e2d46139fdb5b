"""`spotter logs clean`: delete old archives, after showing which."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.template.defaultfilters import filesizeformat

from spotter.logs.reading import times
from spotter.logs.reading.cleaning import older_than
from spotter.logs.reading.files import modified_at
from spotter.management.subcommands.logs import options as common

HELP = "delete the archives of logs that are old; the logs themselves are never touched"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--older-than", required=True, metavar="AGE", help="as 30d, by last change")
    add("--yes", action="store_true", help="delete without asking")
    common.add_files(parser)


def run(command: BaseCommand, **options: Any) -> bool:
    """Show what is old enough, then delete it if that is wanted."""
    age = times.duration(options["older_than"])
    before = times.before(datetime.datetime.now(datetime.UTC), age)
    old = older_than(common.logs_of(options), before)
    if not old:
        command.stdout.write(f"No archive is older than {options['older_than']}.")
        return False
    for path in old:
        command.stdout.write(describe(path))
    if options["yes"] or agrees(len(old)):
        delete(command, old)
    else:
        command.stdout.write("Nothing was deleted; --yes deletes these.")
    return True


def describe(path: Path) -> str:
    at = datetime.datetime.fromtimestamp(modified_at(path), datetime.UTC)
    size = filesizeformat(path.stat().st_size).replace("\xa0", " ")
    return f"{at:%Y-%m-%d %H:%M}Z  {size:>10}  {path}"


def agrees(count: int) -> bool:
    """Ask, if there is someone to answer."""
    if not sys.stdin or not sys.stdin.isatty():
        return False
    return input(f"Delete these {count} files? [y/N] ").strip().lower() in ("y", "yes")


def delete(command: BaseCommand, old: list[Path]) -> None:
    for path in old:
        # Rotation may have deleted it meanwhile.
        path.unlink(missing_ok=True)
    command.stdout.write(f"Deleted {len(old)} files.")
