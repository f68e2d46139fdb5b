"""`spotter logs tail`: the end of the logs, and what is added to it."""

from __future__ import annotations

import argparse
import functools
import itertools
import time
from typing import Any

from django.core.management.base import BaseCommand

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
    # Followed from here on, so that nothing written meanwhile is missed.
    new = follow(find, functools.partial(time.sleep, LOOK_EVERY_SECONDS), logs)
    count = show(
        reversed(list(itertools.islice(search(logs, Query()), options["lines"])))
    )
    if options["follow"]:
        try:
            count += show(new)
        except KeyboardInterrupt:
            return True
    return count > 0
