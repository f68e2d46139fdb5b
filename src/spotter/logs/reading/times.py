"""Instants and durations, as log lines have them and as people type them."""

from __future__ import annotations

import datetime
import re

from spotter.exceptions import SpotterError

# A file may be written by several processes, whose lines are a little out of order.
DISORDER = datetime.timedelta(seconds=5)

_ISO = rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?: ?(?:Z|[+-]\d\d:?\d\d))?"
_AT_START = re.compile(_ISO)
_IN_JSON = re.compile(
    rb'"(?:time|timestamp|@timestamp|ts|asctime)"\s*:\s*"(' + _ISO + rb')"'
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class UnreadableTimeError(SpotterError):
    """What was typed is neither a duration nor an instant."""


def time_of(line: bytes) -> datetime.datetime | None:
    """Give the instant that a line of text or JSON was written at; UTC if not said."""
    if line[:1] == b"{":
        in_json = _IN_JSON.search(line, 0, 4096)
        found = in_json[1] if in_json else None
    else:
        at_start = _AT_START.match(line)
        found = at_start[0] if at_start else None
    return instant(found.decode("ascii")) if found else None


def starts_entry(line: bytes) -> bool:
    """Whether a line begins something new; the rest continue what came before."""
    return line[:1] == b"{" or _AT_START.match(line) is not None


def instant(text: str) -> datetime.datetime | None:
    """Parse ISO 8601, as UTC when it has no zone."""
    try:
        at = datetime.datetime.fromisoformat(text.replace(" Z", "Z"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=datetime.UTC)


def duration(text: str) -> datetime.timedelta:
    """Parse `90s`, `10m`, `2h`, `30d`, `1w`."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise UnreadableTimeError(
            f"{text!r} is not a duration: write a number and s, m, h, d or w, "
            "for example 10m or 30d."
        )
    try:
        return datetime.timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    except OverflowError as error:
        raise UnreadableTimeError(f"{text!r} is longer than time itself.") from error


def moment(text: str, now: datetime.datetime) -> datetime.datetime:
    """Parse a day, a day with a time, or a time of today, in UTC unless it says."""
    whole = f"{now:%Y-%m-%d} {text}" if re.match(r"\d\d:\d\d", text) else text
    at = instant(whole)
    if at is None:
        raise UnreadableTimeError(
            f"{text!r} is not a time: write 2026-11-24, '2026-11-24 03:15' or 03:15 "
            "(today); it is UTC unless it ends in an offset such as +01:00."
        )
    return at


def before(now: datetime.datetime, age: datetime.timedelta) -> datetime.datetime:
    """Give the instant that long ago, or the first there is."""
    try:
        return now - age
    except OverflowError:
        return datetime.datetime.min.replace(tzinfo=datetime.UTC) + 2 * DISORDER
