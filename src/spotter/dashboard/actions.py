"""What people do in the dashboard: each a POST with CSRF, permissioned and written down."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from spotter.alerts.book import ACKNOWLEDGED, OPEN, Book, Incident, Page
from spotter.dashboard import access
from spotter.dashboard.site import address
from spotter.rescue import ignore
from spotter.stores.contract import StoreError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

logger = logging.getLogger("spotter.dashboard")

MAX_TEXT = 500
MAX_SILENCE_SECONDS = 30 * 86400.0


class Refused(Exception):  # noqa: N818 (told to the person)
    """What was asked cannot be done; the text says why."""


def who(request: HttpRequest) -> str:
    """The name under which it is written down: the user's id, no e-mail address."""
    user = getattr(request, "user", None)
    return f"user {user.pk}" if user is not None and user.pk else "somebody"


def text_of(request: HttpRequest, name: str) -> str:
    """A text that must be there."""
    text = " ".join(request.POST.get(name, "").split())
    if not text or len(text) > MAX_TEXT:
        raise Refused(f"“{name}” must have 1 to {MAX_TEXT} characters.")
    return text


def number(request: HttpRequest, name: str) -> int:
    """A number that must be there."""
    text = request.POST.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Refused(f"“{name}” must be a number.")
    return int(text)


def incident_of(page: Page, request: HttpRequest) -> Incident:
    """The incident that is spoken of."""
    incident = page.incident(number(request, "incident"))
    if incident is None:
        raise Refused("There is no such incident.")
    return incident


def acknowledge(page: Page, request: HttpRequest, now: float) -> None:
    """Somebody is at it: no more reminders, no escalation."""
    incident = incident_of(page, request)
    if incident.state != OPEN:
        raise Refused(f"Incident {incident.id} is {incident.state} already.")
    actor = who(request)
    body = {**incident.body, "acknowledged_by": actor, "acknowledged_at": now}
    page.save_incident(dataclasses.replace(incident, state=ACKNOWLEDGED, body=body))
    page.note(incident.id, now, "acknowledged", "acknowledged", actor)


def note(page: Page, request: HttpRequest, now: float) -> None:
    """A line in the timeline."""
    incident = incident_of(page, request)
    page.note(incident.id, now, "note", text_of(request, "text"), who(request))


def resolution(page: Page, request: HttpRequest, now: float) -> None:
    """What it was and what was done."""
    incident, text = incident_of(page, request), text_of(request, "text")
    body = {**incident.body, "resolution": text}
    page.save_incident(dataclasses.replace(incident, body=body))
    page.note(incident.id, now, "resolution", text, who(request))


def silence(page: Page, request: HttpRequest, now: float) -> None:
    """Mute a rule for some minutes."""
    minutes = number(request, "minutes")
    if not 0 < minutes * 60 <= MAX_SILENCE_SECONDS:
        raise Refused("A silence lasts from a minute to 30 days.")
    rule, reason = text_of(request, "rule"), text_of(request, "reason")
    page.silence({"rule": rule}, who(request), reason, now, now + minutes * 60, now)


def unsilence(page: Page, request: HttpRequest, now: float) -> None:
    """End a silence before its time."""
    if not page.end_silence(number(request, "silence"), now):
        raise Refused("That silence has ended already.")


ACTIONS: dict[str, Callable[[Page, HttpRequest, float], None]] = {
    "acknowledge": acknowledge,
    "note": note,
    "resolution": resolution,
    "silence": silence,
    "unsilence": unsilence,
}


@csrf_protect
@require_POST
def act(request: HttpRequest, action: str) -> HttpResponse:
    """Do it and go back to the page."""
    do = ACTIONS.get(action)
    if do is None or not access.may_act(request):
        return plain("This is not for you, or there is no such action.", 403)
    store = get_store()
    if not isinstance(store, SqlStore):
        return plain("This store keeps no alerts.", 409)
    try:
        with ignore(), Book(store).writing() as page:
            do(page, request, time.time())
    except Refused as error:
        return plain(str(error), 400)
    except StoreError as error:
        return plain(f"Nothing was changed: {error}", 503)
    logger.info("%s by %s", action, who(request))
    incident = request.POST.get("incident", "")
    if incident.isdigit():
        return HttpResponseRedirect(address("incidents/one", id=incident))
    return HttpResponseRedirect(address("alerts"))


def plain(text: str, status: int) -> HttpResponse:
    """A short answer."""
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
