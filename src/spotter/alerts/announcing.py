"""What an operator tells the public: of an incident, and of maintenance."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from spotter.alerts import announcements
from spotter.alerts.book import Page
from spotter.alerts.fields import (
    Fields,
    RefusedError,
    incident_of,
    number,
    text_of,
)
from spotter.alerts.records import MAINTENANCE

MAX_SECONDS, MAX_AHEAD_SECONDS = 30 * 86400.0, 365 * 86400.0
TIME = "%Y-%m-%d %H:%M"


def announce(page: Page, fields: Fields, actor: str, now: float) -> str:
    """A public update of an incident: nothing of its alerts gets out by itself."""
    incident, state = incident_of(page, fields), fields.get("state", "")
    if state not in announcements.STATES:
        raise RefusedError(f"“State” must be one of {', '.join(announcements.STATES)}.")
    before = announcements.titles(page, incident.id)
    if len(before) >= announcements.MAX_UPDATES:
        raise RefusedError("This incident has as many updates as anybody reads.")
    title, text = text_of(fields, "title"), text_of(fields, "text")
    announcements.announce(page, incident.id, now, state, title, text)
    page.note(incident.id, now, "announced", f"{title}: {state}. {text}", actor)
    return f"told the public of incident {incident.id}"


def maintain(page: Page, fields: Fields, actor: str, now: float) -> str:
    """A maintenance window: a silence that the public is told of."""
    minutes, starts_at = number(fields, "minutes"), instant(fields, "starts", now)
    if not 0 < minutes * 60 <= MAX_SECONDS:
        raise RefusedError("A maintenance window lasts from a minute to 30 days.")
    if not now - 60 <= starts_at <= now + MAX_AHEAD_SECONDS:
        raise RefusedError("“Starts” must be from now to a year ahead.")
    title, rule = text_of(fields, "title"), text_of(fields, "rule")
    made = page.silence(
        {"rule": rule}, actor, title, starts_at, starts_at + minutes * 60, now,
        kind=MAINTENANCE,
    )  # fmt: skip
    announcements.publish(page, made, now, title, "")
    return f"planned the maintenance window {made}"


def publish(page: Page, fields: Fields, actor: str, now: float) -> str:
    """Show a silence that there is to the public."""
    asked = number(fields, "silence")
    if all(each.id != asked for each in page.silences(now)):
        raise RefusedError(f"Silence {asked} has ended, or there is none.")
    announcements.publish(page, asked, now, text_of(fields, "title"), "")
    return f"showed silence {asked} to the public"


def instant(fields: Fields, name: str, now: float) -> float:
    """A time in UTC; now when it is left out."""
    text = fields.get(name, "").strip()
    if not text:
        return now
    try:
        moment = datetime.datetime.strptime(text, TIME).replace(tzinfo=datetime.UTC)
    except ValueError as error:
        raise RefusedError(
            f"“{name.capitalize()}” must be a time in UTC, as 2026-01-31 09:00."
        ) from error
    return moment.timestamp()


RESPONSES: dict[str, Callable[[Page, Fields, str, float], str]] = {
    "announce": announce,
    "maintain": maintain,
    "publish": publish,
}
