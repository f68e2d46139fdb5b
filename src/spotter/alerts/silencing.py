"""From when until when a silence holds, as people say it: pure."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

from spotter.alerts.records import MAINTENANCE, SILENCE
from spotter.exceptions import SpotterError
from spotter.logs.reading.times import UnreadableTimeError, duration, moment

MAX_SECONDS, MIN_SECONDS = 30 * 86400.0, 60.0
#: Further ahead nobody plans, and a slip of the year is seen.
MAX_AHEAD_SECONDS = 366 * 86400.0
#: When "tomorrow morning" is, in the project's time zone.
MORNING = datetime.time(8)
INCIDENT, TOMORROW, OWN = "incident", "morning", "own"
#: What the forms offer; any other duration such as `90m` will do.
PRESETS = {
    "1h": "1 h",
    "4h": "4 h",
    TOMORROW: "tomorrow morning",
    INCIDENT: "the incident's end",
}


class SpanError(SpotterError):
    """What was asked for is no time that a silence can have."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """
    From when until when, in Unix seconds.

    Args:
        incident: the incident with whose end it ends, at the latest at `ends_at`.
    """

    starts_at: float
    ends_at: float
    kind: str = SILENCE
    incident: int | None = None


def span_of(asked: Mapping[str, str], now: float, zone: datetime.tzinfo) -> Span:
    """
    Read `starts`, `until` and `ends`: a duration, a preset, or an end of one's own.

    Raises:
        SpanError: there is no such time, or it is too long, too short or over.
    """
    starts_at = instant(asked["starts"], now) if asked.get("starts") else now
    until = asked.get("until") or (OWN if asked.get("ends") else "1h")
    incident = None
    if until == INCIDENT:
        incident = number(asked.get("incident", ""))
        ends_at = starts_at + MAX_SECONDS
    elif until == OWN:
        ends_at = instant(asked.get("ends", ""), now)
    else:
        ends_at = end_of(until, starts_at, zone)
    kind = MAINTENANCE if starts_at > now + MIN_SECONDS else SILENCE
    return checked(
        Span(
            starts_at=starts_at,
            ends_at=ends_at,
            kind=asked.get("kind") or kind,
            incident=incident,
        ),
        now,
    )


def checked(span: Span, now: float) -> Span:
    """Refuse a time that was hardly meant."""
    if span.kind not in (SILENCE, MAINTENANCE):
        raise SpanError(f"{span.kind!r} is neither {SILENCE} nor {MAINTENANCE}.")
    if span.ends_at <= now:
        raise SpanError("It would end in the past: give a later end.")
    if not MIN_SECONDS <= span.ends_at - span.starts_at <= MAX_SECONDS:
        raise SpanError("It must last from a minute to 30 days.")
    if span.starts_at - now > MAX_AHEAD_SECONDS:
        raise SpanError("It begins in more than a year; is the date right?")
    return span


def number(text: str) -> int:
    """An incident's number."""
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise SpanError(f"{text!r} is no number of an incident.")
    return int(text)


def instant(text: str, now: float) -> float:
    """An instant as forms and people write it; UTC unless it says otherwise."""
    today = datetime.datetime.fromtimestamp(now, datetime.UTC)
    try:
        return moment(text.strip(), today).timestamp()
    except UnreadableTimeError as error:
        raise SpanError(str(error)) from error


def end_of(until: str, starts_at: float, zone: datetime.tzinfo) -> float:
    """The end of a preset or a duration."""
    if until == TOMORROW:
        here = datetime.datetime.fromtimestamp(starts_at, zone)
        day = here.date() + datetime.timedelta(days=1)
        return datetime.datetime.combine(day, MORNING, zone).timestamp()
    try:
        return starts_at + duration(until).total_seconds()
    except UnreadableTimeError as error:
        raise SpanError(str(error)) from error
