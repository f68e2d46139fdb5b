"""Measure what any piece of work waited for: a request's, a task's or a command's."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterable
from typing import Any

from spotter import recording
from spotter.context import Context
from spotter.fingerprints import statement_of
from spotter.recorders.cache_points import measure_cache, prefix_of_span
from spotter.recorders.queries.points import measure_queries
from spotter.recording import Measures
from spotter.spans import CacheSpan, HttpSpan, QuerySpan, Span

#: Bundles of spans that may wait: ten thousand spans, each with a text of its own.
MAX_BUNDLES = 10


class Spilled:
    """Spans of work that is still going on and had more than it could hold."""

    def __init__(self, context: Context, spans: list[Span]) -> None:
        self.context = context
        self.spans = spans
        self.at = time.time()

    def measure(self, into: Measures) -> None:
        """Count them under whatever route is known by now."""
        measure_spans(self.context, self.spans, into, self.at)

    def lighten(self) -> None:
        """There is no room for them."""
        self.context.unseen_spans += len(self.spans)
        self.spans = []


#: Those that are not added up yet, or are no more than that.
_waiting: weakref.WeakSet[Spilled] = weakref.WeakSet()


def spill(context: Context, spans: list[Span]) -> None:
    """Hand spans over before their work has ended, or count them where many wait."""
    bundle = Spilled(context, spans)
    if len(_waiting) >= MAX_BUNDLES:
        bundle.lighten()
        return
    _waiting.add(bundle)
    recording.put(bundle)
    # A bundle is as much as many requests: it is not to wait for a hundred of them.
    recording.hurry()


def measure_all_spans(context: Context, into: Measures, at: float) -> None:
    """Count what work that has ended waited for, once."""
    spans = context.spans
    if spans:
        measure_spans(context, spans, into, at)
    context.counted_spans = len(spans)
    if context.unseen_spans:
        into.drop("span", "over budget", at, context.unseen_spans)


def measure_spans(
    context: Context, spans: Iterable[Span], into: Measures, at: float
) -> None:
    """Count queries and cache operations; a call to a server counts itself."""
    queries: list[QuerySpan] = []
    for span in spans:
        if type(span) is QuerySpan:
            queries.append(span)
        elif type(span) is CacheSpan:
            measure_cache(span, into, at)
    if queries:
        measure_queries(queries, context.route, context.request_id, into, at)


def shown(context: Context) -> list[dict[str, Any]]:
    """The first spans as an example shows them: nothing of anybody's values."""
    return [shown_span(span, context.started) for span in context.example_spans()]


def shown_span(span: Span, begun: float) -> dict[str, Any]:
    """One span, its times in seconds from the beginning."""
    told: dict[str, Any] = {
        "at": round(span.started - begun, 6),
        "duration": round(span.seconds, 6),
    }
    if isinstance(span, QuerySpan):
        statement = statement_of(span.sql)
        told |= {"kind": "db", "text": statement.text[:300]}
        told |= {"fingerprint": statement.fingerprint, "rows": max(span.rows, 0)}
    elif isinstance(span, CacheSpan):
        outcome = "hit" if span.hits else "miss" if span.misses else ""
        text = f"{span.operation} {prefix_of_span(span)}:… {outcome}".rstrip()
        told |= {"kind": "cache", "text": text}
    elif isinstance(span, HttpSpan):
        text = f"{span.method} {span.host} {span.status or span.error}"
        told |= {"kind": "http", "text": text}
    return told


def install() -> None:
    """Take the spans of work that has too many."""
    Context.spill = staticmethod(spill)
