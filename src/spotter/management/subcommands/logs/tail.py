"""`spotter logs tail`: the end of the logs, and what is added to it."""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import time
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from spotter.logs.reading.entries import Entry
from spotter.logs.reading.files import Log
from spotter.logs.reading.follow import follow
from spotter.logs.reading.search import Query, search
from spotter.management.subcommands.logs import options as common

HELP = "print the last entries; with -f, go on as the logs grow and are rotated"
LOOK_EVERY_SECONDS = 0.25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-n", "--lines", type=common.positive, default=20, help="how many (default 20)")
    add("-f", "--follow", action="store_true", help="go on until interrupted")
    add(
        "file", nargs="*", default=[], help="only these logs, as api.log (default: all)"
    )
    common.add_json(parser)


def run(command: BaseCommand, **options: Any) -> bool:
    """Print the last entries in order, then follow if asked to."""
    find = functools.partial(common.logs_of, options)
    logs = find()
    show = functools.partial(
        common.print_entries,
        command,
        as_lines=options["json"],
        with_file=len(logs) > 1,
    )
    last = functools.partial(last_entries, logs, options["lines"])
    if not options["follow"]:
        return show(last()) > 0
    wait = functools.partial(time.sleep, LOOK_EVERY_SECONDS)
    # Before the last entries are read, so that nothing written meanwhile is missed.
    with contextlib.closing(follow(find, wait, logs)) as new:
        show(last())
        with contextlib.suppress(KeyboardInterrupt):
            show(new)
    return True


def last_entries(logs: list[Log], count: int) -> Iterator[Entry]:
    return reversed(list(itertools.islice(search(logs, Query()), count)))
