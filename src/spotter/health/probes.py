"""Answer `/health/`, `/ready/` and `/live/` before anything else of the project runs."""

from __future__ import annotations

import time
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from spotter.bearer import holds_token
from spotter.conf import get_settings
from spotter.exposition import access, view
from spotter.exposition.negotiation import choose
from spotter.health.paths import probe_at
from spotter.health.report import HEALTH_JSON, draft_body, readiness, ready_body
from spotter.health.runner import Outcome, get_runner


def answer(request: HttpRequest) -> HttpResponse | None:
    """
    The probe's response, or None when the request is not a probe.

    `/metrics/` too, unless it takes a log-in to read it: a scraper's Host is an
    address of a pod, which ALLOWED_HOSTS would refuse.
    """
    probe = probe_at(request.path_info)
    if probe == "ready":
        return ready(request)
    if probe == "metrics":
        return view.metrics(request) if metrics_need_no_session(request) else None
    return SIMPLE[probe](request) if probe else None


async def aanswer(request: HttpRequest) -> HttpResponse | None:
    """As `answer`, without blocking the event loop."""
    probe = probe_at(request.path_info)
    if probe == "ready":
        return await aready(request)
    if probe == "metrics" and metrics_need_no_session(request):
        return await view.ametrics(request)
    return answer(request) if probe else None


def metrics_need_no_session(request: HttpRequest) -> bool:
    """Whether `/metrics/` can be answered without knowing who is logged in."""
    return access.policy() != "staff" or holds_token(request)


def health(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is looked at."""
    service = get_settings().service_name
    body = {"status": "healthy", "service": service, "timestamp": time.time()}
    draft = {"status": "pass", "description": f"health of {service}"}
    return view.not_allowed(request) or respond(request, body, draft, 200)


def live(request: HttpRequest) -> HttpResponse:
    """The process answers; whoever restarts it must not look at its dependencies."""
    body = {"status": "alive", "timestamp": time.time()}
    draft = {"status": "pass", "description": "liveness"}
    return view.not_allowed(request) or respond(request, body, draft, 200)


def ready(request: HttpRequest) -> HttpResponse:
    """Every dependency, within the budget."""
    return view.not_allowed(request) or tell(request, get_runner().outcomes())


async def aready(request: HttpRequest) -> HttpResponse:
    """As `ready`, without blocking the event loop."""
    return view.not_allowed(request) or tell(request, await get_runner().aoutcomes())


def tell(request: HttpRequest, outcomes: list[Outcome]) -> HttpResponse:
    """The outcomes, with details for who holds the token."""
    with_details = holds_token(request)
    return respond(
        request,
        ready_body(outcomes, with_details=with_details),
        draft_body(outcomes, with_details=with_details),
        503 if readiness(outcomes) == "not_ready" else 200,
    )


def respond(
    request: HttpRequest, body: dict[str, Any], draft: dict[str, Any], status: int
) -> HttpResponse:
    """The body in JSON or, where that is asked for, in health+json."""
    offers = ["application/json", HEALTH_JSON]
    kind = choose(request.headers.get("Accept", ""), offers)
    content = orjson.dumps(draft if kind == HEALTH_JSON else body)
    response = view.respond(request, content, kind, status)
    response["Vary"] = "Accept, Authorization"
    return response


SIMPLE = {"health": health, "live": live}
