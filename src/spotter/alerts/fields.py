"""What was typed into a form or given to a command, checked."""

from __future__ import annotations

from collections.abc import Mapping

from spotter.alerts.book import Page
from spotter.alerts.records import Incident
from spotter.exceptions import SpotterError
from spotter.privacy import scrub_text

MAX_TEXT = 2000
Fields = Mapping[str, str]


class RefusedError(SpotterError):
    """What was asked cannot be done; the text says why."""


def text_of(fields: Fields, name: str) -> str:
    """A text that must be there; other people will read it."""
    text = " ".join(fields.get(name, "").split())
    if not text or len(text) > MAX_TEXT:
        raise RefusedError(
            f"“{name.capitalize()}” must have 1 to {MAX_TEXT:,} characters."
        )
    return scrub_text(text)


def number(fields: Fields, name: str) -> int:
    """A number that must be there."""
    text = fields.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise RefusedError(f"“{name.capitalize()}” must be a number.")
    return int(text)


def incident_of(page: Page, fields: Fields) -> Incident:
    """The incident that is spoken of."""
    incident = page.incident(number(fields, "incident"))
    if incident is None:
        raise RefusedError(f"There is no incident {fields['incident']}.")
    return incident
