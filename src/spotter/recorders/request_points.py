"""Count a request that has ended, by its route, and keep it if it is an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotter.conf import get_settings
from spotter.entries import FAILED_WEIGHT, SLOW_WEIGHT, Point, Sample
from spotter.recorders.agents import MAX_AGENT, agent_kind
from spotter.recorders.api_log import METHODS, UNMATCHED, clean_path
from spotter.recorders.examples import is_worth_it
from spotter.recorders.queueing import queue_seconds
from spotter.recorders.work import measure_all_spans, shown
from spotter.recording import Measures

if TYPE_CHECKING:
    from spotter.recorders.requests import Measured

ROUTE, METHOD = "http.route", "http.request.method"
REQUEST_SIZE = "http.server.request.body.size"
CACHE_SECONDS = "spotter.http.server.cache.duration"


class RoutePoints:
    """The points of one route, method and status, in one window."""

    __slots__ = (
        "_of_some",
        "agents",
        "all",
        "db_seconds",
        "duration",
        "queries",
        "response_size",
    )

    def __init__(
        self, into: Measures, method: str, route: str, status: int, at: float
    ) -> None:
        #: By kind of client; the same points for every route.
        self.agents: dict[str, Point] = {}
        of_route = {"http.route": route}
        of_method = {**of_route, "http.request.method": method}
        self.duration: Point = into.point(
            "http.server.request.duration",
            {**of_method, "http.response.status_code": status},
            at,
        )
        self.all: Point = into.point(
            "spotter.http.server.duration",
            {"http.response.status_class": f"{status // 100}xx"},
            at,
        )
        self.response_size = into.point("http.server.response.body.size", of_method, at)
        self.queries = into.point("spotter.http.server.db.queries", of_route, at)
        self.db_seconds = into.point("spotter.http.server.db.duration", of_route, at)
        #: What many routes never have, by its metric's name.
        self._of_some: dict[str, Point] = {}

    def of_some(
        self, name: str, labels: dict[str, str], into: Measures, at: float
    ) -> Point:
        """A point that is made when there is something to measure; a row for each."""
        point = self._of_some.get(name)
        if point is None:
            point = self._of_some[name] = into.point(name, labels, at)
        return point


def measure(measured: Measured, into: Measures) -> None:
    """Add one request to the points of its route."""
    context = measured.context
    route = context.route or UNMATCHED
    method = measured.method if measured.method in METHODS else "_OTHER"
    status = measured.status if 100 <= measured.status <= 599 else 599
    at = measured.arrived_at + measured.seconds
    points = into.keep(
        (method, route, status),
        at,
        RoutePoints,
        into,
        method,
        route,
        status,
        at,
    )
    seconds = measured.seconds
    points.duration.observe_all((seconds,))
    points.all.observe_all((seconds,))
    points.response_size.note(measured.response_bytes)
    points.queries.note(context.db_queries)
    points.db_seconds.note(context.db_seconds)
    if measured.request_bytes:
        of_method = {ROUTE: route, METHOD: method}
        size = points.of_some(REQUEST_SIZE, of_method, into, at)
        size.note(measured.request_bytes)
    if context.cache_seconds:
        seconds_of_cache = points.of_some(CACHE_SECONDS, {ROUTE: route}, into, at)
        seconds_of_cache.note(context.cache_seconds)
    kind = agent_kind(measured.agent[:MAX_AGENT])
    agent = points.agents.get(kind)
    if agent is None:
        agent = points.agents[kind] = agent_point(into, kind, at)
    agent.add(1)
    if measured.queued or measured.disconnected or context.exception:
        measure_what_is_rare(measured, route, into, at)
    if context.spans or context.unseen_spans:
        measure_all_spans(context, into, at)
    keep_example(measured, route, method, status, into, at)


def agent_point(into: Measures, agent: str, at: float) -> Point:
    """The point of one kind of clients."""
    labels = {"user_agent.synthetic.type": agent}
    return into.point("spotter.http.server.agents", labels, at)


def measure_what_is_rare(
    measured: Measured, route: str, into: Measures, at: float
) -> None:
    """Count exceptions, clients that hung up, and time spent in a proxy's queue."""
    if measured.context.exception:
        labels = {"http.route": route, "error.type": measured.context.exception}
        into.point("spotter.http.server.exceptions", labels, at).add(1)
    if measured.disconnected:
        labels = {"http.route": route}
        into.point("spotter.http.server.disconnects", labels, at).add(1)
    waited = queue_seconds(measured.queued, measured.arrived_at)
    if waited is not None:
        into.point("spotter.http.server.queue.duration", {}, at).observe(waited)


def keep_example(
    measured: Measured, route: str, method: str, status: int, into: Measures, at: float
) -> None:
    """Keep the failed and the slowest requests of each route and hour."""
    seconds = measured.seconds
    why, weight = "sampled", seconds
    if status >= 500:
        why, weight = "failed", FAILED_WEIGHT + seconds
    elif seconds >= get_settings().slow_request_seconds:
        why, weight = "slow", SLOW_WEIGHT + seconds
    if not is_worth_it("request", route, at, weight):
        return
    context = measured.context
    body = {
        "method": method,
        "path": clean_path(measured.path),
        "route": route,
        "status": status,
        "duration": round(seconds, 6),
        "started_at": measured.arrived_at,
        "request_id": context.request_id,
        "trace_id": context.trace_id,
        "user_id": context.user_id,
        "exception": context.exception,
        "why": why,
        "db_queries": context.db_queries,
        "db_seconds": round(context.db_seconds, 6),
        "cache_hits": context.cache_hits,
        "cache_misses": context.cache_misses,
        "queue_seconds": queue_seconds(measured.queued, measured.arrived_at),
        "spans": shown(context),
        "spans_dropped": max(0, len(context.spans) - len(context.example_spans())),
    }
    into.sample(Sample(kind="request", key=route, at=at, weight=weight, body=body))
