"""The one middleware: probes are answered here, requests are measured here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from spotter import errors
from spotter.health import probes


class SpotterMiddleware:
    """
    List it first: what answers before it is neither measured nor logged.

    A probe is answered before ALLOWED_HOSTS, redirects, sessions and the database.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        errors.remember(request)
        if self.is_async:
            return self.acall(request)
        response: HttpResponse = probes.answer(request) or self.get_response(request)
        return response

    async def acall(self, request: HttpRequest) -> HttpResponse:
        """As `__call__`, under ASGI."""
        response = await probes.aanswer(request)
        return response or await self.get_response(request)
