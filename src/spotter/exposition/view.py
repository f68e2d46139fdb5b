"""The answer to `/metrics/`."""

from __future__ import annotations

import time
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from spotter.exposition import access, text
from spotter.exposition.negotiation import choose
from spotter.exposition.numbers import Reading, families, get_numbers

JSON = "application/json"
#: By `?format=` and, in this order, by Accept.
FORMATS = {
    "json": JSON,
    "openmetrics": "application/openmetrics-text",
    "prometheus": "text/plain",
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
    return refused(request) or render(request, get_numbers().readings())


async def ametrics(request: HttpRequest) -> HttpResponse:
    """As `metrics`, without blocking the event loop."""
    return refused(request) or render(request, await get_numbers().areadings())


def render(request: HttpRequest, readings: list[Reading]) -> HttpResponse:
    """The readings in the form that was asked for."""
    kind = FORMATS.get(request.GET.get("format", "")) or choose(
        request.headers.get("Accept", ""), list(FORMATS.values())
    )
    if kind == JSON:
        response = respond(request, orjson.dumps(document(readings)), JSON, 200)
    elif kind == "text/plain":
        content = text.prometheus(families(readings)).encode()
        response = respond(request, content, text.PROMETHEUS, 200)
    else:
        content = text.openmetrics(families(readings)).encode()
        response = respond(request, content, text.OPENMETRICS, 200)
    response["Vary"] = "Accept, Authorization, Cookie"
    return response


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
