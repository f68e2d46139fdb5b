"""What people do about alerts: each checked, written down, and said in one sentence."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

from django.utils import timezone

from spotter.alerts import announcing
from spotter.alerts import matchers as matching
from spotter.alerts.book import Page
from spotter.alerts.fields import (
    Fields,
    RefusedError,
    incident_of,
    number,
    text_of,
)
from spotter.alerts.matchers import MatcherError
from spotter.alerts.records import ACKNOWLEDGED, OPEN, RESOLVED
from spotter.alerts.silencing import SpanError, span_of
from spotter.channels.notice import clock

#: Who did what, one line each.
audit = logging.getLogger("spotter.audit")


def respond(page: Page, action: str, fields: Fields, actor: str, now: float) -> str:
    """
    Do it and say what was done.

    Raises:
        RefusedError: it cannot be done; nothing was changed.
    """
    do = RESPONSES.get(action)
    if do is None:
        raise RefusedError(f"There is no action {action[:40]!r}.")
    try:
        return do(page, fields, actor, now)
    except (MatcherError, SpanError) as error:
        raise RefusedError(str(error)) from error


def acknowledge(page: Page, fields: Fields, actor: str, now: float) -> str:
    """Somebody is at it: no more reminders, no escalation."""
    incident = incident_of(page, fields)
    if incident.state != OPEN:
        raise RefusedError(f"Incident {incident.id} is {incident.state} already.")
    said = {"acknowledged_by": actor, "acknowledged_at": now, "responded_at": now}
    body = {"first_acknowledged_at": now, **incident.body, **said}
    page.save_incident(dataclasses.replace(incident, state=ACKNOWLEDGED, body=body))
    page.note(incident.id, now, "acknowledged", "acknowledged", actor)
    return f"acknowledged incident {incident.id}"


def unacknowledge(page: Page, fields: Fields, actor: str, now: float) -> str:
    """Nobody is at it any more: reminders and escalation go on."""
    incident = incident_of(page, fields)
    if incident.state != ACKNOWLEDGED:
        raise RefusedError(f"Incident {incident.id} is {incident.state}.")
    body = {**incident.body, "responded_at": now}
    page.save_incident(dataclasses.replace(incident, state=OPEN, body=body))
    page.note(incident.id, now, "unacknowledged", "nobody is at it any more", actor)
    return f"took back the acknowledgement of incident {incident.id}"


def note(page: Page, fields: Fields, actor: str, now: float) -> str:
    """A line in the timeline."""
    incident = incident_of(page, fields)
    page.note(incident.id, now, "note", text_of(fields, "text"), actor)
    return f"commented on incident {incident.id}"


def resolution(page: Page, fields: Fields, actor: str, now: float) -> str:
    """What it was and what was done: without it a resolved incident is not closed."""
    incident = incident_of(page, fields)
    if incident.state != RESOLVED:
        raise RefusedError(
            f"Incident {incident.id} is {incident.state}: a resolution is written when "
            "nothing of it fires any more. Until then, write a note."
        )
    was, done = text_of(fields, "cause"), text_of(fields, "done")
    said = {"cause": was, "done": done, "by": actor, "at": now}
    body = {**incident.body, "resolution": said, "responded_at": now}
    page.save_incident(dataclasses.replace(incident, body=body))
    page.note(incident.id, now, "resolution", f"It was: {was} Done: {done}", actor)
    return f"wrote the resolution of incident {incident.id}"


def silence(page: Page, fields: Fields, actor: str, now: float) -> str:
    """Mute what matches, from now or in a window to come."""
    matchers = matching.parse(fields.get("matchers", ""))
    span = span_of(fields, now, timezone.get_default_timezone())
    reason = text_of(fields, "reason")
    if span.incident is not None:
        known = page.incident(span.incident)
        if known is None or known.state == RESOLVED:
            raise RefusedError(
                f"Incident {span.incident} is over, or there is none: give another end."
            )
    made = page.silence(
        matchers, actor, reason, span.starts_at, span.ends_at, now,
        kind=span.kind, incident=span.incident,
    )  # fmt: skip
    return f"made the {span.kind} {made} until {clock(span.ends_at)}"


def unsilence(page: Page, fields: Fields, actor: str, now: float) -> str:
    """End a silence before its time, or a window before it begins."""
    which = number(fields, "silence")
    if not page.end_silence(which, now, actor):
        raise RefusedError(f"Silence {which} has ended already, or there is none.")
    return f"ended silence {which}"


RESPONSES: dict[str, Callable[[Page, Fields, str, float], str]] = {
    "acknowledge": acknowledge,
    "unacknowledge": unacknowledge,
    "note": note,
    "resolution": resolution,
    "silence": silence,
    "unsilence": unsilence,
    **announcing.RESPONSES,
}
