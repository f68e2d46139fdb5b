"""Statements have series of their own, within a bound that lets go of the old ones."""

from __future__ import annotations

import time

import pytest

from spotter.fingerprints import statement_of
from spotter.recorders.examples import Examples
from spotter.recorders.queries import points
from spotter.recorders.queries.points import Fingerprints, measure_queries
from spotter.recording import Measures
from spotter.recording.bounds import MAX_LABEL_SETS, OTHER, ROLLING, Bounds
from spotter.spans import QuerySpan

#: More than any bound of a process: of its statements, and of their label sets.
MANY = MAX_LABEL_SETS + 100


@pytest.fixture
def bounds(monkeypatch):
    """The bounds of a process that has just begun."""
    monkeypatch.setattr(points, "_fingerprints", Fingerprints())
    monkeypatch.setattr(points, "is_worth_it", Examples().is_worth_it)
    return Bounds()


def sql_of(number):
    return f'SELECT "t{number}_x"."id" FROM "t{number}_x" WHERE "t{number}_x"."id" = %s'


def measured(bounds, numbers, route="/"):
    """Measure statements, each called twice, as one flush does; gives its points."""
    into = Measures(bounds)
    spans = [QuerySpan(0.0, sql_of(n), "default", "sqlite") for n in numbers] * 2
    for span in spans:
        span.rows = 1
    measure_queries(spans, route, "of-a-test", into, time.time())
    return into.batch.points


def values(found, name, label="db.query.fingerprint"):
    return {dict(s.labels)[label] for s, _ in found if s.name == name}


def fingerprint(number):
    return statement_of(sql_of(number)).fingerprint


def a_long_life(bounds):
    for number in range(0, MANY, 100):
        measured(bounds, range(number, number + 100))


@pytest.mark.parametrize("name", sorted(ROLLING))
def test_after_more_statements_than_there_is_room_for_a_new_one_has_its_series(
    bounds, name
):
    a_long_life(bounds)
    found = measured(bounds, [MANY])
    assert fingerprint(MANY) in values(found, name)
    assert not [s for s, _ in found if s.name == "spotter.series.overflowed"]


def test_the_oldest_statement_made_room(bounds):
    a_long_life(bounds)
    into = Measures(bounds)
    again = QuerySpan(0.0, sql_of(0), "default", "sqlite")
    measure_queries([again], "/", "of-a-test", into, time.time())
    found = values(into.batch.points, "spotter.db.statement.duration")
    assert found == {OTHER}


def test_a_statement_has_its_new_callers_after_many(bounds):
    for number in range(MANY):
        measured(bounds, [1], route=f"/route-{number}/")
    found = measured(bounds, [1], route="/new/")
    name = "spotter.db.statement.callers"
    assert values(found, name) == {fingerprint(1)}
    assert values(found, name, "http.route") == {"/new/"}


def test_what_is_kept_of_label_sets_is_bounded(bounds):
    a_long_life(bounds)
    assert {len(bounds._admitted[name]) for name in ROLLING} == {MAX_LABEL_SETS}
    # Two labels of each have the statement's pair in common.
    assert len(bounds._pairs) < 2 * MAX_LABEL_SETS


def test_what_nobody_chose_is_refused_as_before(bounds):
    for number in range(MANY):
        bounds.admit("spotter.cache.lookups", (("cache.prefix", str(number)),))
    series, admitted = bounds.admit("spotter.cache.lookups", (("cache.prefix", "x"),))
    assert (dict(series.labels), admitted) == ({"cache.prefix": OTHER}, False)
    known = bounds.admit("spotter.cache.lookups", (("cache.prefix", "1"),))
    assert (dict(known[0].labels), known[1]) == ({"cache.prefix": "1"}, True)


def test_statements_that_never_come_again_share_what_they_are_added_to(bounds):
    into = Measures(bounds)
    spans = [QuerySpan(0.0, sql_of(n), "default", "sqlite") for n in range(1000)]
    spans.append(QuerySpan(0.0, "UPDATE t SET x = 1", "default", "sqlite"))
    measure_queries(spans, "/", "of-a-test", into, time.time())
    assert len(into._kept) == 2  # one for each operation
    name, label = "db.client.operation.duration", "db.operation.name"
    assert values(into.batch.points, name, label) == {"SELECT", "UPDATE"}


def span_of(number, seconds, rows=1):
    """A query as it was captured."""
    span = QuerySpan(0.0, sql_of(number), "default", "sqlite")
    span.seconds, span.rows = seconds, rows
    span.site = ("/project/views.py", 10, "page")
    return span


def samples_of(bounds, *spans):
    into = Measures(bounds)
    measure_queries(spans, "/page/", "of-a-test", into, time.time())
    return into.batch.samples


@pytest.mark.parametrize("seconds", [0.1, 0.101])
def test_a_slow_query_leaves_an_example_at_once(bounds, seconds):
    (sample,) = samples_of(bounds, span_of(1, seconds))
    assert (sample.kind, sample.key) == ("statement", fingerprint(1))
    assert sample.weight == seconds
    assert sample.body == {
        "text": sql_of(1),
        "alias": "default",
        "system": "sqlite",
        "operation": "SELECT",
        "tables": ("t1_x",),
        "site": "/project/views.py:10 page",
        "duration": seconds,
        "rows": 1,
        "route": "/page/",
        "request_id": "of-a-test",
        "why": "slow",
    }


def test_a_query_below_that_leaves_one_when_it_comes_again(bounds):
    assert samples_of(bounds, span_of(1, 0.099)) == []
    (sample,) = samples_of(bounds, span_of(1, 0.099))
    assert (sample.body["why"], sample.weight) == ("seen", 0.0)


@pytest.mark.parametrize("slowest", [0, 1, 2])
def test_the_slowest_of_one_pieces_calls_is_its_example(bounds, slowest):
    spans = [span_of(1, 0.4 if n == slowest else 0.2) for n in range(3)]
    (sample,) = samples_of(bounds, *spans)
    assert (sample.weight, sample.body["why"]) == (0.4, "slow")
    # Known at once, as it comes more than once.
    (sample,) = samples_of(bounds, span_of(2, 0.001), span_of(2, 0.002))
    assert (sample.key, sample.body["duration"]) == (fingerprint(2), 0.002)
