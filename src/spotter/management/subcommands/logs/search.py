"""`spotter logs search`: the entries that match, the newest first."""

from __future__ import annotations

import argparse
import datetime
import itertools
import logging
import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from spotter.logs.reading import times
from spotter.logs.reading.search import Query, search
from spotter.management.subcommands.logs import options as common

HELP = "print the entries that match, the newest first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the filters; all that are given must match."""
    add = parser.add_argument
    add("text", nargs="?", default="", help="a text that the entry holds")
    add("--regex", metavar="PATTERN", help="a regular expression that it matches")
    add("--level", metavar="LEVEL", help="this level or above, as WARNING")
    add("--logger", default="", metavar="NAME", help="this logger or its children")
    add("--request-id", default="", metavar="ID", help="of this request or trace")
    add(
        "--field",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="with this value, as status=500; may be given again",
    )
    add("--since", metavar="AGE", help="not older than this, as 10m, 2h, 3d")
    add("--from", dest="start", metavar="TIME", help="from this time on (UTC)")
    add("--to", dest="end", metavar="TIME", help="before this time (UTC)")
    add(
        "--limit",
        type=common.positive,
        metavar="N",
        help="no more than this many, the newest",
    )
    common.add_files(parser)
    common.add_json(parser)


def run(command: BaseCommand, **options: Any) -> bool:
    """Print what matches, and say whether anything did."""
    query = query_of(options, datetime.datetime.now(datetime.UTC))
    logs = common.logs_of(options)
    found = itertools.islice(search(logs, query), options["limit"])
    count = common.print_entries(
        command, found, as_lines=options["json"], with_file=len(logs) > 1
    )
    return count > 0


def query_of(options: dict[str, Any], now: datetime.datetime) -> Query:
    """
    Make a query of the command line.

    Raises:
        CommandError: two options contradict each other, or one cannot be read.
    """
    since, until = range_of(options, now)
    return Query(
        text=options["text"],
        regex=pattern(options["regex"]),
        level_number=level_number(options["level"]),
        logger=options["logger"],
        request_id=options["request_id"],
        fields=tuple(pair(given) for given in options["field"]),
        since=since,
        until=until,
    )


def range_of(
    options: dict[str, Any], now: datetime.datetime
) -> tuple[datetime.datetime | None, datetime.datetime | None]:
    age, start, end = options["since"], options["start"], options["end"]
    if age and start:
        raise CommandError("--since and --from say the same thing: give one of them.")
    since = times.moment(start, now) if start else None
    if age:
        since = times.before(now, times.duration(age))
    until = times.moment(end, now) if end else None
    if since and until and since >= until:
        raise CommandError(
            f"Nothing can lie between {since:%Y-%m-%d %H:%M:%S} and "
            f"{until:%Y-%m-%d %H:%M:%S}: --to must be later than the beginning."
        )
    return since, until


def pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise CommandError(
            f"--regex {text!r} is not a regular expression: {error}. "
            "To look for it as it stands, leave --regex out."
        ) from error


def level_number(name: str | None) -> int:
    known = logging.getLevelNamesMapping()
    if name and name.upper() not in known:
        raise CommandError(
            f"{name!r} is not a level. Levels: DEBUG, INFO, WARNING, ERROR, CRITICAL."
        )
    return known[name.upper()] if name else 0


def pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise CommandError(f"--field {text!r} lacks a value: write it as status=500.")
    return name, value
