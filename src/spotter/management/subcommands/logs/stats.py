"""`spotter logs stats`: how much each log holds, of what, from when to when."""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand
from django.template.defaultfilters import filesizeformat

from spotter.logs.reading.stats import Stats, count
from spotter.management.subcommands.logs import options as common

HELP = "print the size, lines, levels and time range of each log with its archives"
HEADINGS = ("log", "size", "archives", "lines", "lost", "from", "to", "levels")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_files(parser)
    common.add_json(parser)


def run(command: BaseCommand, **options: Any) -> bool:
    """Read every log whole and print a row for each."""
    counted = [count(log) for log in common.logs_of(options)]
    if options["json"]:
        for stats in counted:
            command.stdout.write(json.dumps(as_document(stats)))
    else:
        for line in table([HEADINGS, *(row(stats) for stats in counted)]):
            command.stdout.write(line)
    return bool(counted)


def row(stats: Stats) -> tuple[str, ...]:
    levels = (f"{level} {number}" for level, number in stats.levels.most_common())
    return (
        stats.name,
        filesizeformat(stats.size).replace("\xa0", " "),
        str(stats.archives),
        str(stats.lines),
        str(stats.lost),
        minute(stats.oldest_at),
        minute(stats.newest_at),
        ", ".join(levels) or "-",
    )


def minute(at: datetime.datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "-"


def table(rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    """Line the columns up."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield "  ".join(padded).rstrip()


def as_document(stats: Stats) -> dict[str, Any]:
    return {
        "file": stats.name,
        "size_bytes": stats.size,
        "archives": stats.archives,
        "lines": stats.lines,
        "lost_lines": stats.lost,
        "oldest_at": stats.oldest_at and stats.oldest_at.isoformat(),
        "newest_at": stats.newest_at and stats.newest_at.isoformat(),
        "levels": dict(stats.levels),
    }
