"""What the `logs` subcommands have in common: which files, and how to print them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from spotter.logs.reading.entries import Entry
from spotter.logs.reading.files import Log, directory_of, find_logs
from spotter.logs.reading.render import as_json, as_text


def add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="NAME",
        help="only this log, as api.log; may be given again (default: all)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object for each entry"
    )


def logs_of(options: dict[str, Any]) -> list[Log]:
    """Find the logs that the command line means."""
    given = options["directory"]
    directory = Path(given) if given else directory_of(settings.LOGGING or {})
    return find_logs(directory, options.get("file", ()))


def print_entries(
    command: BaseCommand, found: Iterable[Entry], *, as_lines: bool, with_file: bool
) -> int:
    """Print entries as they come, and give how many there were."""
    count = 0
    for count, one in enumerate(found, start=1):  # noqa: B007 (it is the result)
        if as_lines:
            command.stdout.write(as_json(one))
        else:
            command.stdout.write(as_text(one, command.style, with_file=with_file))
        command.stdout.flush()
    return count


def positive(text: str) -> int:
    """Parse a number above 0."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number
