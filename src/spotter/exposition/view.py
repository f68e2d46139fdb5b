"""The answer to `/metrics/`."""

from __future__ import annotations

import time
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from spotter.exposition import access, text
from spotter.exposition.negotiation import choose
from spotter.exposition.numbers import Reading, families, get_numbers
from spotter.exposition.recorded import get_scrape
from spotter.metrics import Family

JSON, PLAIN = "application/json", "text/plain"
#: By `?format=` and, in this order, by Accept.
FORMATS = {
    "json": JSON,
    "openmetrics": "application/openmetrics-text",
    "prometheus": PLAIN,
}


def respond(
    request: HttpRequest, content: bytes, kind: str, status: int
) -> HttpResponse:
    """A response that no proxy keeps, without a body for HEAD."""
    response = HttpResponse(
        b"" if request.method == "HEAD" else content, content_type=kind, status=status
    )
    response["Content-Length"] = str(len(content))
    response["Cache-Control"] = (
        "no-store, no-cache, must-revalidate, max-age=0, private"
    )
    response["X-Content-Type-Options"] = "nosniff"
    # Django would log an error for each 503; the runner logs the change of state, once.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def not_allowed(request: HttpRequest) -> HttpResponse | None:
    """The 405 for a method that changes things, or None."""
    if request.method in ("GET", "HEAD"):
        return None
    body = orjson.dumps({"status": 405, "detail": "Use GET or HEAD."})
    response = respond(request, body, JSON, 405)
    response["Allow"] = "GET, HEAD"
    return response


def refused(request: HttpRequest) -> HttpResponse | None:
    """Why this request gets no numbers, or None."""
    wrong_method = not_allowed(request)
    if wrong_method:
        return wrong_method
    refusal = access.refusal(request)
    if refusal is None:
        return None
    status, detail = refusal
    body = orjson.dumps({"status": status, "detail": detail})
    response = respond(request, body, JSON, status)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return response


def metrics(request: HttpRequest) -> HttpResponse:
    """The project's numbers, to who may read them."""
    refusal = refused(request)
    if refusal is not None:
        return refusal
    kind = kind_of(request)
    recorded = "" if kind == JSON else get_scrape().text(openmetrics=kind != PLAIN)
    return render(request, kind, get_numbers().readings(), recorded)


async def ametrics(request: HttpRequest) -> HttpResponse:
    """As `metrics`, without blocking the event loop."""
    refusal = refused(request)
    if refusal is not None:
        return refusal
    kind, recorded = kind_of(request), ""
    if kind != JSON:
        recorded = await get_scrape().atext(openmetrics=kind != PLAIN)
    return render(request, kind, await get_numbers().areadings(), recorded)


def kind_of(request: HttpRequest) -> str:
    """The form that was asked for."""
    return FORMATS.get(request.GET.get("format", "")) or choose(
        request.headers.get("Accept", ""), list(FORMATS.values())
    )


def render(
    request: HttpRequest, kind: str, readings: list[Reading], recorded: str
) -> HttpResponse:
    """The readings, and in text what was recorded."""
    if kind == JSON:
        response = respond(request, orjson.dumps(document(readings)), JSON, 200)
    elif kind == PLAIN:
        content = recorded + text.prometheus(others(readings, recorded))
        response = respond(request, content.encode(), text.PROMETHEUS, 200)
    else:
        content = recorded + text.openmetrics(others(readings, recorded))
        response = respond(request, content.encode(), text.OPENMETRICS, 200)
    response["Vary"] = "Accept, Authorization, Cookie"
    return response


def others(readings: list[Reading], recorded: str) -> list[Family]:
    """What is not recorded already: a family may be there only once."""
    return [
        family
        for family in families(readings)
        if f"\n# TYPE {family.name} " not in recorded
    ]


def document(readings: list[Reading]) -> dict[str, Any]:
    """
    The JSON: one entry a source.

    A source that failed has no entry; its name is in `errors`, which is there only
    when something failed.
    """
    body: dict[str, Any] = {
        reading.source.name: reading.values
        for reading in readings
        if reading.values is not None
    }
    body["timestamp"] = time.time()
    failed = [r.source.name for r in readings if r.values is None]
    return body | ({"errors": failed} if failed else {})
