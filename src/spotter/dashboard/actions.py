"""What people do in the dashboard: each a POST with CSRF, permissioned and written down."""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from spotter.alerts.book import Page as BookPage
from spotter.alerts.responses import RESPONSES, RefusedError, audit, respond
from spotter.alerts.spare import current
from spotter.conf import get_settings
from spotter.dashboard import access, site
from spotter.dashboard.blocks import Note
from spotter.dashboard.pages import PAGES
from spotter.dashboard.site import address
from spotter.rescue import ignore
from spotter.stores.contract import StoreError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

#: The page that an action is taken on, and goes back to.
PAGE_OF = {"silence": "silences", "unsilence": "silences"}
ONE = "incidents/one"


def who(request: HttpRequest) -> str:
    """The name under which it is written down: the user's id, no e-mail address."""
    user = getattr(request, "user", None)
    return f"user {user.pk}" if user is not None and user.pk else "somebody"


def answering(action: str) -> Do:
    """What people do about alerts, with the fields of a form."""

    def do(page: BookPage, request: HttpRequest, now: float) -> str:
        fields = {name: str(value) for name, value in request.POST.items()}
        return respond(page, action, fields, who(request), now)

    return do


#: By its address: does it and says what was done.
Do = Callable[[BookPage, HttpRequest, float], str]
ACTIONS: dict[str, Do] = {name: answering(name) for name in RESPONSES}


@csrf_protect
@require_POST
def act(request: HttpRequest, action: str) -> HttpResponse:
    """Do it and go back to the page; where it can't be done, the page says why."""
    do = ACTIONS.get(action)
    if do is None or not access.may_act(request):
        return refuse(request, action)
    with ignore():
        try:
            said = done(do, request)
        except RefusedError as error:
            return again(
                request, action, Note("Nothing was changed", str(error), "bad"), 400
            )
        except StoreError as error:
            text = f"{error} The watcher takes over within seconds: try again."
            return again(request, action, Note("Nothing was changed", text, "bad"), 503)
    audit.info("%s %s", who(request), said)
    return HttpResponseRedirect(back(action, request))


def done(do: Do, request: HttpRequest) -> str:
    """Write it into the book that counts."""
    store, now = get_store(), time.time()
    if not isinstance(store, SqlStore):
        raise RefusedError("This store keeps no alerts.")
    with current(store, now).writing() as page:
        return do(page, request, now)


def back(action: str, request: HttpRequest) -> str:
    """Where to go on: to the incident, if it was about one."""
    incident = str(request.POST.get("incident", ""))
    if incident.isascii() and incident.isdigit():
        return address(ONE, id=incident)
    return address(PAGE_OF.get(action, "alerts"))


def again(request: HttpRequest, action: str, note: Note, status: int) -> HttpResponse:
    """The page that it came from, with what was typed and what was wrong with it."""
    path = PAGE_OF.get(action, ONE)
    asked = QueryDict(mutable=True)
    for name, value in request.POST.items():
        if name != "csrfmiddlewaretoken":
            asked[name] = str(value)
    asked["id"] = request.POST.get("incident", "")
    request.GET = asked  # type: ignore[assignment]
    page = next(each for each in PAGES if each.path == path)
    return site.show(request, page, PAGES, said=note, status=status)


def refuse(request: HttpRequest, action: str) -> HttpResponse:
    """Send a stranger to the log-in, and tell others what is missing."""
    if not access.is_logged_in(request) and not get_settings().dashboard_access:
        query = urllib.parse.urlencode({"next": back(action, request)})
        return HttpResponseRedirect(f"{site.login_address()}?{query}")
    text = (
        "To acknowledge, comment and silence takes the permission “spotter | dashboard | "
        "Can acknowledge and silence alerts” besides that to see the dashboard, or there "
        "is no such action."
    )
    note = Note("This is not for you", text, "warn")
    return site.render(request, "No access", [note], status=403)
