"""What an operator tells the public, from the pages of an incident and of silences."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from django.http import HttpRequest

from spotter.alerts import announcements
from spotter.alerts.book import Incident, Page, Silence
from spotter.conf import get_settings
from spotter.dashboard.actions import (
    MAX_SILENCE_SECONDS,
    Refused,
    incident_of,
    number,
    text_of,
    who,
)
from spotter.dashboard.blocks import Action, Block
from spotter.dashboard.site import address

MAX_AHEAD_SECONDS = 365 * 86400.0
TIME = "%Y-%m-%d %H:%M"


def announce(page: Page, request: HttpRequest, now: float) -> None:
    """A public update of an incident: nothing of its alerts gets out by itself."""
    incident, state = incident_of(page, request), request.POST.get("state", "")
    if state not in announcements.STATES:
        raise Refused(f"“state” must be one of {', '.join(announcements.STATES)}.")
    before = announcements.titles(page, incident.id)
    if len(before) >= announcements.MAX_UPDATES:
        raise Refused("This incident has as many updates as anybody reads.")
    title, text = text_of(request, "title"), text_of(request, "text")
    announcements.announce(page, incident.id, now, state, title, text)
    page.note(incident.id, now, "announced", f"{title}: {state}. {text}", who(request))


def maintain(page: Page, request: HttpRequest, now: float) -> None:
    """A maintenance window: a silence that the public is told of."""
    minutes, starts_at = number(request, "minutes"), instant(request, "starts", now)
    if not 0 < minutes * 60 <= MAX_SILENCE_SECONDS:
        raise Refused("A maintenance window lasts from a minute to 30 days.")
    if not now - 60 <= starts_at <= now + MAX_AHEAD_SECONDS:
        raise Refused("“starts” must be from now to a year ahead.")
    title, rule = text_of(request, "title"), text_of(request, "rule")
    ends_at = starts_at + minutes * 60
    silence = page.silence({"rule": rule}, who(request), title, starts_at, ends_at, now)
    announcements.publish(page, silence, now, title, "")


def publish(page: Page, request: HttpRequest, now: float) -> None:
    """Show a silence that there is to the public."""
    asked = number(request, "silence")
    if all(each.id != asked for each in page.silences(now)):
        raise Refused("There is no such silence, or it has ended.")
    announcements.publish(page, asked, now, text_of(request, "title"), "")


def instant(request: HttpRequest, name: str, now: float) -> float:
    """A time in UTC; now when it is left out."""
    text = request.POST.get(name, "").strip()
    if not text:
        return now
    try:
        moment = datetime.datetime.strptime(text, TIME).replace(tzinfo=datetime.UTC)
    except ValueError as error:
        raise Refused(
            f"“{name}” must be a time in UTC, as 2026-01-31 09:00."
        ) from error
    return moment.timestamp()


ACTIONS: dict[str, Callable[[Page, HttpRequest, float], None]] = {
    "announce": announce,
    "maintain": maintain,
    "publish": publish,
}


def is_on() -> bool:
    """Whether there is a public to tell."""
    return get_settings().status_page is not None


def incident_form(page: Page, incident: Incident, token: str) -> list[Block]:
    """The form for an update, where there is a status page."""
    if not is_on():
        return []
    before = [each for each in announcements.titles(page, incident.id) if each]
    return [
        Action(
            href=address("act/announce"),
            token=token,
            button="Tell the public",
            hidden=[("incident", str(incident.id))],
            choices=[("state", "How far it is", announcements.STATES)],
            fields=[
                ("title", "Public title", before[-1] if before else ""),
                ("text", "Public text", ""),
            ],
        )
    ]


def maintenance_forms(
    token: str, now: float, silences: Sequence[Silence]
) -> list[Block]:
    """To plan a maintenance window or show a silence, where there is a status page."""
    if not is_on():
        return []
    soon = datetime.datetime.fromtimestamp(now + 60, datetime.UTC)
    return [
        Action(
            href=address("act/maintain"),
            token=token,
            button="Plan maintenance",
            fields=[
                ("title", "Public title", ""),
                ("starts", "Starts (UTC)", f"{soon:{TIME}}"),
                ("minutes", "Minutes", "60"),
                ("rule", "Mutes the rule", "HealthCheckFailing"),
            ],
        ),
        *publish_form(token, silences),
    ]


def publish_form(token: str, silences: Sequence[Silence]) -> list[Block]:
    """The form to show one of the silences that there are."""
    if not silences:
        return []
    numbers = [str(each.id) for each in silences]
    return [
        Action(
            href=address("act/publish"),
            token=token,
            button="Show to the public",
            choices=[("silence", "Silence", numbers)],
            fields=[("title", "Public title", "")],
        )
    ]
