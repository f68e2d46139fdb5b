"""Measure one request from its arrival to its last byte, and write its line."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from time import perf_counter
from typing import Any, cast

from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.log import log_response

from spotter import recording
from spotter.context import Context, Known, enter, leave
from spotter.recorders import api_log, drills, request_points
from spotter.recorders.host import loops
from spotter.recorders.identity import identify
from spotter.recorders.streams import count_stream
from spotter.recording import Measures
from spotter.recording.budget import budget
from spotter.rescue import rescue

#: What nginx logs for a client that hung up before there was an answer.
CLIENT_CLOSED_REQUEST = 499
#: Digits of a body's length: more than a petabyte is somebody's joke.
MAX_DIGITS = 15
#: Of a request that would not say its route, user and arguments.
NOTHING_KNOWN: Known = ("", "", None)
#: The requests that are being worked on in this process, by their identity.
in_flight: dict[int, Measured] = {}


class Measured:
    """A request that is being worked on; `finish` or `fail` ends it, once."""

    __slots__ = (
        "agent",
        "arrived_at",
        "context",
        "disconnected",
        "method",
        "path",
        "queued",
        "request_bytes",
        "response_bytes",
        "seconds",
        "started",
        "status",
        "token",
    )

    def __init__(self, request: HttpRequest) -> None:
        self.context: Context = identify(request)
        self.started = self.context.started
        self.arrived_at = time.time()
        headers = request.META
        self.agent: str = headers.get("HTTP_USER_AGENT", "")
        self.queued: str | None = headers.get("HTTP_X_REQUEST_START")
        # Taken now: what the application does to its request later is its own affair.
        self.method = request.method or ""
        self.path = request.path
        self.request_bytes = content_length(headers.get("CONTENT_LENGTH"))
        self.status = 0
        self.seconds = 0.0
        self.response_bytes = 0
        self.disconnected = False
        self.context.detailed = budget.takes()
        if drills.HEADER in headers:
            drills.join(request, self.context)
        in_flight[id(self)] = self
        if loops.unknown:
            loops.look(request)
        self.token = enter(self.context)

    def log_refusal(self, response: HttpResponseBase) -> None:
        """
        Write Django's own "Not Found: /x" while the request id is still known.

        Django writes it after the last middleware, where there is no context; it does
        not when it has been written.
        """
        request = self.context.request
        if response.status_code >= 400 and request is not None:
            log_response(
                "%s: %s",
                response.reason_phrase,
                request.path,
                response=cast(HttpResponse, response),
                request=request,
            )

    def finish(self, response: HttpResponseBase) -> None:
        """Answer with the request id, and write the line when the body is complete."""
        try:
            response.headers["X-Request-ID"] = self.context.request_id
            if response.streaming:
                count_stream(response, self.context, self.finish_stream)
            else:
                content = cast(HttpResponse, response).content
                self.write(response.status_code, len(content))
        except BaseException:
            # Before its line was written: nobody else would ever take it out.
            in_flight.pop(id(self), None)
            raise
        finally:
            leave(self.token)
            del self.token  # It would be kept until the request is added up.

    def finish_stream(
        self, response: HttpResponseBase, sent_bytes: int | None, complete: bool
    ) -> None:
        """Write the line of a streamed response, whose context is left already."""
        if sent_bytes is None:
            sent_bytes = content_length(response.headers.get("Content-Length"))
        token = enter(self.context)
        try:
            disconnected = not complete and self.method != "HEAD"
            self.write(response.status_code, sent_bytes, disconnected=disconnected)
        finally:
            leave(token)

    def fail(self, error: BaseException) -> None:
        """Write the line of a request that ended in an exception."""
        try:
            if isinstance(error, asyncio.CancelledError):
                # The server cancels what nobody waits for any more: nothing went wrong.
                self.write(CLIENT_CLOSED_REQUEST, 0, disconnected=True)
            else:
                self.context.exception = api_log.name_of(type(error))
                self.write(500, 0)
        finally:
            leave(self.token)

    def write(
        self, status: int, response_bytes: int, *, disconnected: bool = False
    ) -> None:
        self.seconds = perf_counter() - self.started
        self.status = status
        # Of what answers HEAD the server sends the head alone.
        self.response_bytes = 0 if self.method == "HEAD" else response_bytes
        self.disconnected = disconnected
        in_flight.pop(id(self), None)
        is_own, known = False, NOTHING_KNOWN
        try:
            is_own = is_spotters(self.context.request)
            known = self.context.let_go()
        except Exception:
            # Which part of its path is a secret is not known either.
            self.context.request, self.path = None, "/[Filtered]"
            with rescue("tell whose request it was"):
                raise
        try:
            api_log.write(self, known)
        finally:
            if self.context.drill:
                recording.put(recording.SetAside(self, self.context.drill))
            elif not is_own:
                recording.put(self)

    def measure(self, into: Measures) -> None:
        """Count the request; off it, when it has long been answered."""
        request_points.measure(self, into)

    def lighten(self) -> None:
        """Give up the details, for want of room."""
        self.context.drop_spans()


def is_spotters(request: HttpRequest | None) -> bool:
    """Whether one of Spotter's own pages answered, which are in no statistics."""
    match = getattr(request, "resolver_match", None)
    return match is not None and getattr(match.func, "__module__", "").startswith(
        "spotter."
    )


def content_length(header: Any) -> int:
    """Give the number that a Content-Length header holds; 0 for none that can be."""
    if not header:
        return 0
    text = str(header)
    return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else 0


def begin(request: HttpRequest) -> Measured | None:
    """Start to measure; None when that failed, which must not fail the request."""
    measured = None
    try:
        measured = Measured(request)
    except Exception:
        with rescue("begin to measure a request"):
            raise
    return measured


def end(step: Callable[[Any], None], outcome: Any) -> None:
    """Run `finish` or `fail`, whose own errors must not reach the host."""
    try:
        step(outcome)
    except Exception:
        with rescue("measure a request"):
            raise


def read_in_flight() -> None:
    """How many requests this process works on now."""
    labels = {"host.name": socket.gethostname(), "process.pid": os.getpid()}
    recording.gauge("http.server.active_requests", len(in_flight), labels)


def install() -> None:
    """Tell how many are in flight, and add up between requests."""
    recording.sampler(read_in_flight)
    # When the response is sent, and the thread's connections are given back.
    request_finished.connect(recording.relieve, dispatch_uid="spotter")
    os.register_at_fork(after_in_child=in_flight.clear)
