"""The log files: search them, follow them, find one request's lines."""

from __future__ import annotations

import datetime
import itertools
import logging
import time
from collections.abc import Sequence

from django.conf import settings as django_settings
from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Form, LogLine, LogLines, Note
from spotter.dashboard.pages.requests import period_fields
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address
from spotter.exceptions import SpotterError
from spotter.logs.reading.entries import Entry
from spotter.logs.reading.files import directory_of, find_logs
from spotter.logs.reading.render import said
from spotter.logs.reading.search import Limit, Query, search

#: Lines shown, and the longest that a page looks for them.
LINES, SECONDS = 200, 3.0
LEVELS = ("", "INFO", "WARNING", "ERROR", "CRITICAL")


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """A form, and the newest lines that match it."""
    asked = {
        name: request.GET.get(name, "")[:200]
        for name in ("text", "request_id", "logger", "level", "file")
    }
    try:
        logs = find_logs(directory_of(django_settings.LOGGING or {}))
    except SpotterError as error:
        return [Note("There are no log files to read here", str(error), "warn")]
    form = Form(
        fields=[
            ("text", "Text", asked["text"]),
            ("request_id", "Request or trace id", asked["request_id"]),
            ("logger", "Logger", asked["logger"]),
        ],
        choices=[
            ("level", asked["level"], LEVELS),
            ("file", asked["file"], ["", *(log.path.name for log in logs)]),
        ],
        hidden=period_fields(reader),
        button="Search",
    )
    chosen = [log for log in logs if asked["file"] in ("", log.path.name)]
    limit = Limit(time.monotonic() + SECONDS)
    lines = search(chosen, query_of(reader, asked), limit)
    try:
        found = [line_of(reader, entry) for entry in itertools.islice(lines, LINES)]
    except OSError as error:
        return [form, Note("The log files can't be read", str(error), "warn")]
    return [
        form,
        *left_unread(limit),
        LogLines(
            f"{write.number_of(len(found), 'line', 'lines')}, the newest first" + (" (there are more)" if len(found) == LINES else ""),
            found,
            "No line of this period matches. Choose a longer period or fewer conditions.",
        ),
    ]  # fmt: skip


def query_of(reader: Reader, asked: dict[str, str]) -> Query:
    """What to look for; a request's lines are looked for whatever the period."""
    period = reader.period
    known = logging.getLevelNamesMapping()
    is_of_request = bool(asked["request_id"])
    return Query(
        text=asked["text"],
        request_id=asked["request_id"].strip(),
        logger=asked["logger"].strip(),
        level_number=known.get(asked["level"], 0),
        since=None if is_of_request else instant(period.start),
        until=None if is_of_request or period.is_live else instant(period.end),
    )


def instant(at: int) -> datetime.datetime:
    """Unix seconds as an aware instant."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC)


def left_unread(limit: Limit) -> list[Note]:
    """What was not looked through: a page must not read gigabytes."""
    told = []
    if limit.is_cut:
        back_to = (
            f"{limit.back_to:%Y-%m-%d %H:%M:%S} UTC" if limit.back_to else "a part"
        )
        told.append(
            Note(
                f"Looked back to {back_to}, not further",
                f"A search stops after {SECONDS:g} seconds. Choose one file or a shorter "
                "period, or let `manage.py spotter logs search` read everything.",
                "warn",
            )
        )
    if limit.unreadable:
        told.append(
            Note("Not every file can be read", "; ".join(limit.unreadable), "warn")
        )
    return told


def line_of(reader: Reader, entry: Entry) -> LogLine:
    """One entry as a line."""
    request_id = entry.field("request_id") or ""
    return LogLine(
        f"{entry.at:%m-%d %H:%M:%S}" if entry.at else "",
        entry.level,
        entry.logger,
        said(entry)[:2000],
        entry.file,
        address("logs", reader.period, request_id=request_id) if request_id else "",
    )


PAGE = Page(
    path="logs",
    title="Logs",
    menu="Logs",
    build=build,
    survives=True,
    still_for=("text", "request_id"),
)
