"""
Report a request to Sentry for what it costs to send, not for what it costs to watch.

The SDK's own Django integration wraps every handler, query and lookup of every request,
sampled or not. Spotter has captured all of that anyway: here an event or transaction is
made of it when one is really sent.
"""

from __future__ import annotations

import datetime
import importlib
import importlib.util
import random
import sys
import time
from contextvars import ContextVar, Token
from typing import Any

import sentry_sdk
from django.core.signals import got_request_exception
from django.http import HttpRequest
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoRequestExtractor
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from sentry_sdk.integrations.modules import ModulesIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration
from sentry_sdk.scope import (
    Scope,
    _current_scope,
    _isolation_scope,
    add_global_event_processor,
)
from sentry_sdk.tracing import Transaction
from sentry_sdk.utils import event_from_exception

from spotter import context
from spotter.context import Context
from spotter.errors.user import current_request
from spotter.fingerprints import statement_of
from spotter.rescue import rescue
from spotter.spans import CacheSpan, QuerySpan, Span

Event = dict[str, Any]

#: Spans of one transaction, and breadcrumbs of one event.
MAX_SPANS, MAX_CRUMBS = 200, 50
#: Integrations of workers that are not Django's, taken where they are installed.
WORKERS = {
    "celery": "CeleryIntegration",
    "rq": "RqIntegration",
    "huey": "HueyIntegration",
}
#: Loggers that repeat what was captured as an exception, or write no error at all.
REPEATING = ("django.request", "django.server", "spotter.api")

is_active = False


class SpotterIntegration(Integration):
    """Captures what Django turns into a 500, and completes every event."""

    identifier = "spotter"

    @staticmethod
    def setup_once() -> None:
        """Listen, once for each process."""
        for name in REPEATING:
            ignore_logger(name)
        got_request_exception.connect(capture_failure, dispatch_uid="spotter sentry")
        add_global_event_processor(complete)


def options() -> dict[str, Any]:
    """What `sentry_sdk.init()` is called with, to be this light."""
    return {
        "default_integrations": False,
        "auto_enabling_integrations": False,
        "integrations": [
            SpotterIntegration(),
            # Without breadcrumbs: each would be made and scrubbed for nothing. The log
            # lines of a request are found by its id.
            LoggingIntegration(level=None),
            AtexitIntegration(),
            DedupeIntegration(),
            ExcepthookIntegration(),
            ModulesIntegration(),
            ThreadingIntegration(propagate_scope=True),
            *worker_integrations(),
        ],
    }


def worker_integrations() -> list[Integration]:
    """The SDK's own for the workers that are installed."""
    found: list[Integration] = []
    for name, kind in WORKERS.items():
        if importlib.util.find_spec(name) is not None:
            with rescue(f"integrate Sentry with {name}"):
                module = importlib.import_module(f"sentry_sdk.integrations.{name}")
                found.append(getattr(module, kind)())
    return found


class Trace:
    """One request, as the SDK sees it: scopes of its own, and a transaction at times."""

    __slots__ = ("_scopes", "transaction")

    def __init__(self, request: HttpRequest) -> None:
        self._scopes = [fresh(_isolation_scope), fresh(_current_scope)]
        self.transaction = begin_transaction(request)

    def end(self, work: Context | None, status: int) -> None:
        """Send the transaction, if this request has one, and leave the scopes."""
        try:
            if self.transaction is not None:
                finish_transaction(self.transaction, work, status)
        finally:
            for variable, token in self._scopes:
                try:
                    variable.reset(token)
                except ValueError:
                    variable.set(None)  # It began in another task of the event loop.


def fresh(
    variable: ContextVar[Scope | None],
) -> tuple[ContextVar[Scope | None], Token[Scope | None]]:
    """
    Give the request a scope of its own, made only when something is written to it.

    What the project wrote before there was a request is for all of them: then, and
    only then, is there something to copy.
    """
    outer = variable.get()
    return variable, variable.set(
        outer.fork() if outer is not None and is_written(outer) else None
    )


def is_written(scope: Scope) -> bool:
    """Whether anything was set on a scope."""
    return bool(
        scope._tags or scope._contexts or scope._extras or scope._user
        or scope._breadcrumbs or scope._event_processors or scope.client.is_active()
    )  # fmt: skip


def begin_transaction(request: HttpRequest) -> Transaction | None:
    """Decide first, which costs nothing; begin only what will be sent."""
    # Not sentry_sdk.get_client(): to ask the request's scopes is to make them.
    options = Scope.get_global_scope().client.options
    incoming = request.META.get("HTTP_SENTRY_TRACE")
    sampled = None
    if options.get("traces_sampler") is None and not incoming:
        rate = options.get("traces_sample_rate")
        if not rate or random.random() >= float(rate):  # noqa: S311 (no secret)
            return None
        sampled = True
    if options.get("traces_sampler") is None and not options.get("traces_sample_rate"):
        return None
    headers = {
        "sentry-trace": incoming or "",
        "baggage": request.META.get("HTTP_BAGGAGE", ""),
    }
    transaction = sentry_sdk.continue_trace(
        headers, op="http.server", name=request.path, source="url"
    )
    if sampled:
        transaction.sampled = True
    begun = sentry_sdk.start_transaction(
        transaction, custom_sampling_context={"wsgi_environ": request.META}
    )
    if not isinstance(begun, Transaction) or not begun.sampled:
        return None
    begun.__enter__()
    return begun


def finish_transaction(
    transaction: Transaction, work: Context | None, status: int
) -> None:
    """Name it by its route, give it what was captured, and send it."""
    if work is not None:
        if work.route:
            transaction.name, transaction.source = work.route, "route"
        transaction.set_tag("request_id", work.request_id)
        begun = time.time() - (time.perf_counter() - work.started)
        for span in work.example_spans()[:MAX_SPANS]:
            add_span(transaction, span, begun - work.started)
    if status:
        transaction.set_http_status(status)
    transaction.__exit__(None, None, None)


def add_span(transaction: Transaction, span: Span, offset: float) -> None:
    """One query, lookup or call."""
    op, text, data = told(span)
    child = transaction.start_child(
        op=op, name=text, start_timestamp=instant(offset + span.started)
    )
    for name, value in data.items():
        child.set_data(name, value)
    child.finish(end_timestamp=instant(offset + span.started + span.seconds))


def told(span: Span) -> tuple[str, str, dict[str, Any]]:
    """What a span is, by Sentry's names: operation, description, data."""
    if isinstance(span, QuerySpan):
        data = {"db.system": span.vendor, "db.name": span.alias}
        return "db", statement_of(span.sql).text[:1000], data
    if isinstance(span, CacheSpan):
        return f"cache.{span.operation}", span.operation, {"cache.hit": span.hits > 0}
    text = f"{span.method} {span.host}"
    return "http.client", text, {"http.response.status_code": span.status}


def instant(at: float) -> datetime.datetime:
    """Unix seconds as the SDK wants them."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC)


def capture_failure(**kwargs: Any) -> None:
    """Send the exception that Django answers with a 500."""
    capture(sys.exc_info())


def capture(error: Any) -> None:
    """Send one unhandled exception."""
    client = sentry_sdk.get_client()
    if not is_active or not client.is_active() or error[1] is None or is_drill():
        return
    # Rescued when it fails, not all along: what is rescued is Spotter's own work, of
    # which nothing is sent.
    try:
        event, hint = event_from_exception(
            error,
            client_options=client.options,
            mechanism={"type": "django", "handled": False},
        )
        sentry_sdk.capture_event(event, hint=hint)
    except Exception:
        with rescue("report an exception to Sentry"):
            raise


def is_drill() -> bool:
    """Whether a drill asked for what happens here: it is nobody's error."""
    work = context.current()
    return work is not None and bool(work.drill)


def complete(event: Any, hint: dict[str, Any]) -> Any:
    """Add to an event what is known of the request that it happened in."""
    if not is_active or event.get("type") == "check_in":
        return event
    request, work = current_request(), context.current()
    if request is not None and "request" not in event:
        with rescue("describe a request to Sentry"):
            extractor: Any = DjangoRequestExtractor
            extractor(request).extract_into_event(event)
            event["request"] = {**described(request), **event.get("request", {})}
    if work is not None and event.get("type") != "transaction":
        if work.route:
            event["transaction"] = work.route
            event["transaction_info"] = {"source": "route"}
        event.setdefault("tags", {})["request_id"] = work.request_id
        add_crumbs(event, work)
    return event


def described(request: HttpRequest) -> dict[str, Any]:
    """A request's address and headers; whatever leaves is scrubbed on its way out."""
    host = request.META.get("HTTP_HOST", request.META.get("SERVER_NAME", ""))
    return {
        "method": request.method,
        "url": f"{request.scheme}://{host}{request.path}",
        "query_string": request.META.get("QUERY_STRING", ""),
        "headers": dict(request.headers),
    }


def add_crumbs(event: Event, work: Context) -> None:
    """What the request waited for, among the breadcrumbs that the project left."""
    crumbs = event.setdefault("breadcrumbs", {})
    if not isinstance(crumbs, dict):
        return
    offset = time.time() - time.perf_counter()
    made = []
    for span in work.spans[-MAX_CRUMBS:]:
        op, text, data = told(span)
        data["duration_ms"] = round(span.seconds * 1000, 3)
        crumb = {
            "type": "query" if op == "db" else "default",
            "category": op,
            "message": text,
            "data": data,
            "timestamp": instant(offset + span.started),
        }
        made.append(crumb)
    values = [*(crumbs.get("values") or []), *made]
    values.sort(key=lambda crumb: seconds_of(crumb.get("timestamp")))
    crumbs["values"] = values[-100:]


def seconds_of(at: Any) -> float:
    """A breadcrumb's time as a number, however it was given."""
    if isinstance(at, datetime.datetime):
        return (at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).timestamp()
    return float(at) if isinstance(at, int | float) else 0.0


def begin(request: HttpRequest) -> Trace | None:
    """Start to watch a request for Sentry; None when nobody asked for that."""
    if not is_active or is_drill():
        return None
    trace = None
    try:
        trace = Trace(request)
    except Exception:
        with rescue("begin a request for Sentry"):
            raise
    return trace


def end(trace: Trace | None, work: Context | None, status: int) -> None:
    """The request has been answered."""
    if trace is None:
        return
    try:
        trace.end(work, status)
    except Exception:
        with rescue("end a request for Sentry"):
            raise
