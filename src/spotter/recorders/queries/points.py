"""Count what a piece of work asked of its databases, by statement and by who asked."""

from __future__ import annotations

import collections
import operator
from collections.abc import Sequence

from spotter.call_sites import site_text
from spotter.conf import get_settings
from spotter.entries import Point, Sample
from spotter.fingerprints import Statement, statement_of
from spotter.recorders.examples import is_worth_it
from spotter.recorders.queries.repeats import ENOUGH, Repeat, find_repeats, grouped
from spotter.recording import Measures
from spotter.recording.bounds import OTHER
from spotter.spans import QuerySpan

#: Fingerprints that have a series of their own; the least lately used make room.
MAX_FINGERPRINTS = 2000
#: Fingerprints seen once, which may be the last time.
MAX_CANDIDATES = 5000
SECONDS = operator.attrgetter("seconds")
#: Repetitions reported of one request, the costliest first.
MAX_REPEATS = 20


class Fingerprints:
    """
    Which statements are measured by themselves.

    A statement earns it with its second call, or a slow first one: a project that
    writes values into its SQL makes a new text with every call, and would fill any
    table with statements that never come again.
    """

    def __init__(self) -> None:
        self._known: collections.OrderedDict[str, None] = collections.OrderedDict()
        self._candidates: dict[str, None] = {}

    def name(self, fingerprint: str, *, at_once: bool) -> str:
        """The fingerprint, or `__other__`; `at_once` gives it without a second call."""
        if fingerprint in self._known:
            self._known.move_to_end(fingerprint)
            return fingerprint
        if not at_once and fingerprint not in self._candidates:
            if len(self._candidates) >= MAX_CANDIDATES:
                self._candidates.clear()
            self._candidates[fingerprint] = None
            return OTHER
        self._candidates.pop(fingerprint, None)
        self._known[fingerprint] = None
        if len(self._known) > MAX_FINGERPRINTS:
            self._known.popitem(last=False)
        return fingerprint


_fingerprints = Fingerprints()


class QueryPoints:
    """The points that one statement of one route is added to, in one window."""

    __slots__ = ("caller", "duration", "operation", "rows")

    def __init__(
        self,
        into: Measures,
        name: str,
        operation: str,
        route: str,
        span: QuerySpan,
        at: float,
    ) -> None:
        self.operation: Point = into.point(
            "db.client.operation.duration",
            {
                "db.system.name": span.vendor,
                "db.alias": span.alias,
                "db.operation.name": operation,
            },
            at,
        )
        self.duration: Point = into.point(
            "spotter.db.statement.duration",
            {"db.query.fingerprint": name, "db.alias": span.alias},
            at,
        )
        self.rows: Point = into.point(
            "spotter.db.statement.rows", {"db.query.fingerprint": name}, at
        )
        self.caller: Point = into.point(
            "spotter.db.statement.callers",
            {"db.query.fingerprint": name, "http.route": route},
            at,
        )


#: What a statement may begin with; anything else is a stranger's text.
OPERATIONS = frozenset((
    "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE", "MERGE", "SAVEPOINT",
    "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "SET", "SHOW", "PRAGMA", "EXPLAIN",
    "CREATE", "ALTER", "DROP", "TRUNCATE", "CALL", "LOCK", "VACUUM", "ANALYZE", "COPY",
))  # fmt: skip


def operation_of(statement: Statement) -> str:
    """The statement's verb, as `db.operation.name` has it."""
    return statement.operation if statement.operation in OPERATIONS else "OTHER"


def measure_queries(
    spans: Sequence[QuerySpan], route: str, request_id: str, into: Measures, at: float
) -> None:
    """Add the queries to the points of their statements, and report repetitions."""
    slow = get_settings().slow_query_seconds
    groups = grouped(spans)
    often = False
    for (fingerprint, _), group in groups.items():
        statement = statement_of(group[0].sql)
        slowest = max(group, key=SECONDS) if len(group) > 1 else group[0]
        is_slow = slowest.seconds >= slow
        name = _fingerprints.name(fingerprint, at_once=is_slow or len(group) > 1)
        add(group, name, operation_of(statement), route, into, at)
        if name != OTHER and is_worth_it(
            "statement", name, at, slowest.seconds if is_slow else 0.0
        ):
            into.sample(example(slowest, statement, route, request_id, at, is_slow))
        often = often or len(group) >= ENOUGH
    if often:
        repeats = sorted(find_repeats(groups.values()), key=lambda each: -each.seconds)
        for repeat in repeats[:MAX_REPEATS]:
            report(repeat, route, request_id, into, at)


def add(
    group: Sequence[QuerySpan],
    name: str,
    operation: str,
    route: str,
    into: Measures,
    at: float,
) -> None:
    """Add queries of one statement, on one alias, to its points."""
    first = group[0]
    # Not by its text: of those that are `__other__` each has a text of its own.
    key = (name, first.alias, first.vendor, operation, route)
    points = into.keep(key, at, QueryPoints, into, name, operation, route, first, at)
    seconds = [span.seconds for span in group]
    points.operation.observe_all(seconds)
    points.duration.observe_all(seconds)
    points.caller.note_all(seconds)
    points.rows.note_all([span.rows for span in group if span.rows >= 0])
    for error in [span.error for span in group if span.error]:
        labels = {"db.alias": first.alias, "error.type": error}
        into.point("spotter.db.errors", labels, at).add(1)


def example(
    span: QuerySpan,
    statement: Statement,
    route: str,
    request_id: str,
    at: float,
    is_slow: bool,
) -> Sample:
    """An example of a statement: the slowest of the hour, or just one of it."""
    return Sample(
        kind="statement",
        key=statement.fingerprint,
        at=at,
        weight=span.seconds if is_slow else 0.0,
        body={
            "text": statement.text,
            "alias": span.alias,
            "system": span.vendor,
            "operation": operation_of(statement),
            "tables": statement.tables,
            "site": site_text(*span.site) if span.site else "",
            "duration": span.seconds,
            "rows": span.rows if span.rows >= 0 else None,
            "route": route,
            "request_id": request_id,
            "why": "slow" if is_slow else "seen",
        },
    )


def report(
    repeat: Repeat, route: str, request_id: str, into: Measures, at: float
) -> None:
    """Count a repetition, and keep an example of the costliest."""
    fingerprint = repeat.statement.fingerprint
    labels = {
        "kind": repeat.kind,
        "http.route": route,
        "db.query.fingerprint": fingerprint,
        "code.site": repeat.site,
    }
    into.point("spotter.db.repeated", labels, at).note(repeat.seconds)
    into.point("spotter.db.repeated.queries", labels, at).note(repeat.count)
    key = f"{route} {fingerprint} {repeat.site}"
    if not is_worth_it("repeated", key, at, repeat.seconds):
        return
    body = {
        "kind": repeat.kind,
        "fingerprint": fingerprint,
        "text": repeat.statement.text,
        "site": repeat.site,
        "template": repeat.told.template,
        "count": repeat.count,
        "seconds": repeat.seconds,
        "model": repeat.told.model,
        "relation": repeat.told.relation,
        "advice": repeat.advice,
        "route": route,
        "request_id": request_id,
    }
    into.sample(
        Sample(kind="repeated", key=route, at=at, weight=repeat.seconds, body=body)
    )
