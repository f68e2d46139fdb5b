"""The forms by which an operator tells the public, where there is a status page."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from spotter.alerts import announcements
from spotter.alerts import matchers as matching
from spotter.alerts.announcing import TIME
from spotter.alerts.book import Page
from spotter.alerts.records import Incident, Silence
from spotter.conf import get_settings
from spotter.dashboard.blocks import Action, Block
from spotter.dashboard.site import address


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
            title="Status page",
            hidden=[("incident", str(incident.id))],
            choices=[
                (
                    "state",
                    "How far it is",
                    [(state, state) for state in announcements.STATES],
                )
            ],
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
            title="Maintenance that the status page announces",
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
    known = [
        (str(each.id), f"{each.id} · {matching.written(each.matchers)}")
        for each in silences
    ]
    return [
        Action(
            href=address("act/publish"),
            token=token,
            button="Show to the public",
            title="Show a silence on the status page",
            choices=[("silence", "Silence", known)],
            fields=[("title", "Public title", "")],
        )
    ]
