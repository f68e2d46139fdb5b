"""The one middleware: probes are answered here, requests are measured here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from spotter import errors, recording
from spotter.context import current
from spotter.health import probes
from spotter.recorders import drills
from spotter.recorders.requests import begin, end


class SpotterMiddleware:
    """
    List it first: what answers before it is neither measured nor logged.

    A probe is answered before ALLOWED_HOSTS, redirects, sessions and the database, and
    is itself neither measured nor logged.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(
        self, request: HttpRequest
    ) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        errors.remember(request)
        if self.is_async:
            return self.acall(request)
        answer: HttpResponse | None = probes.answer(request)
        if answer is not None:
            # A worker that only probes ask is alive, and is to be seen to be.
            recording.awake()
            return answer
        work = current()
        if (
            work is not None and work.request is request
        ):  # The middleware is listed twice.
            response: HttpResponseBase = self.get_response(request)
            return response
        measured, trace, status = begin(request), errors.begin(request), 500
        try:
            response = self.get_response(request)
            status = response.status_code
            if measured is not None and status >= 400:
                end(measured.log_refusal, response)
        except BaseException as error:
            if measured is not None:
                end(measured.fail, error)
            raise
        finally:
            errors.end(trace, measured.context if measured else None, status)
        if measured is not None:
            end(measured.finish, response)
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Only what a drill asked for is answered here: nobody is to hear of it."""
        return drills.answer_to(exception)

    async def acall(self, request: HttpRequest) -> HttpResponseBase:
        """As `__call__`, under ASGI."""
        answer: HttpResponse | None = await probes.aanswer(request)
        if answer is not None:
            # A worker that only probes ask is alive, and is to be seen to be.
            recording.awake()
            return answer
        work = current()
        if (
            work is not None and work.request is request
        ):  # The middleware is listed twice.
            response: HttpResponseBase = await self.get_response(request)
            return response
        measured, trace, status = begin(request), errors.begin(request), 500
        if measured is not None:
            measured.context.task = asyncio.current_task()
        try:
            response = await self.get_response(request)
            status = response.status_code
            if measured is not None and status >= 400:
                # In a thread, as Django does it: a handler may send an e-mail.
                log = sync_to_async(end, thread_sensitive=False)
                await log(measured.log_refusal, response)
        except BaseException as error:
            if measured is not None:
                end(measured.fail, error)
            raise
        finally:
            errors.end(trace, measured.context if measured else None, status)
        if measured is not None:
            end(measured.finish, response)
        return response
