"""Answer `/health/`, `/ready/` and `/live/` before anything else of the project runs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse


def answer(request: HttpRequest) -> HttpResponse | None:
    """The probe's response, or None when the request is not a probe."""
    return None


async def aanswer(request: HttpRequest) -> HttpResponse | None:
    """As `answer`, without blocking the event loop."""
    return None
