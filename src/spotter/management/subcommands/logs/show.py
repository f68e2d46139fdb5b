"""`spotter logs show`: everything that one request wrote, in order."""

from __future__ import annotations

import argparse
import itertools
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from spotter.logs.reading.search import Query, search
from spotter.management.subcommands.logs import options as common

HELP = "print all that one request wrote to any log, in the order it was written"
#: More than this is not one request but a job; its newest entries are shown.
MAX_ENTRIES = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request_id", help="its X-Request-ID, or its trace id")
    common.add_json(parser)


def run(command: BaseCommand, **options: Any) -> bool:
    """Print the entries of the request from all logs, the oldest first."""
    if not options["request_id"].strip():
        raise CommandError(
            "The request id is empty. It is in the X-Request-ID header of the "
            "response, and in every line that the request wrote."
        )
    logs = common.logs_of(options)
    query = Query(request_id=options["request_id"].strip())
    found = list(itertools.islice(search(logs, query), MAX_ENTRIES))
    common.print_entries(
        command, reversed(found), as_lines=options["json"], with_file=True
    )
    if len(found) == MAX_ENTRIES:
        command.stderr.write(f"These are the newest {MAX_ENTRIES} entries.")
    return bool(found)
