"""What people do in the dashboard: each a POST with CSRF, permissioned and written down."""

from __future__ import annotations

import time
import urllib.parse

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from spotter.alerts.fields import RefusedError
from spotter.alerts.responses import RESPONSES, audit, respond
from spotter.alerts.spare import current
from spotter.conf import get_settings
from spotter.dashboard import access, site
from spotter.dashboard.blocks import Note
from spotter.dashboard.pages import PAGES
from spotter.dashboard.site import address
from spotter.rescue import ignore
from spotter.stores.contract import StoreError
from spotter.stores.current import store_for_reading
from spotter.stores.sql import SqlStore

#: The page that an action is taken on, and goes back to.
PAGE_OF = dict.fromkeys(("silence", "unsilence", "maintain", "publish"), "silences")
ONE = "incidents/one"


def who(request: HttpRequest) -> str:
    """The name under which it is written down: the user's id, no e-mail address."""
    user = getattr(request, "user", None)
    return f"user {user.pk}" if user is not None and user.pk else "somebody"


@csrf_protect
@require_POST
def act(request: HttpRequest, action: str) -> HttpResponse:
    """Do it and go back to the page; where it can't be done, the page says why."""
    if action not in RESPONSES or not access.may_act(request):
        return refuse(request, action)
    fields = {name: str(value) for name, value in request.POST.items()}
    with ignore():
        try:
            said = done(action, fields, who(request))
        except RefusedError as error:
            return again(
                request, action, Note("Nothing was changed", str(error), "bad"), 400
            )
        except StoreError as error:
            text = f"{error} The watcher takes over within seconds: try again."
            return again(request, action, Note("Nothing was changed", text, "bad"), 503)
    audit.info("%s %s", who(request), said)
    return HttpResponseRedirect(back(action, fields))


def done(action: str, fields: dict[str, str], actor: str) -> str:
    """Write it into the book that counts."""
    store, now = store_for_reading(), time.time()
    if not isinstance(store, SqlStore):
        raise RefusedError("This store keeps no alerts.")
    with current(store, now).writing() as page:
        return respond(page, action, fields, actor, now)


def back(action: str, fields: dict[str, str]) -> str:
    """Where to go on: to the incident, if it was about one."""
    incident = fields.get("incident", "")
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
        fields = {name: str(value) for name, value in request.POST.items()}
        query = urllib.parse.urlencode({"next": back(action, fields)})
        return HttpResponseRedirect(f"{site.login_address()}?{query}")
    text = (
        "To acknowledge, comment and silence takes the permission “spotter | dashboard | "
        "Can acknowledge and silence alerts” besides that to see the dashboard, or there "
        "is no such action."
    )
    note = Note("This is not for you", text, "warn")
    return site.render(request, "No access", [note], status=403)
