"""The verdict says what is wrong: below, at and above each limit."""

from __future__ import annotations

import pytest

from spotter.dashboard.verdict import (
    Facts,
    Growth,
    Level,
    Lookups,
    Repetition,
    Route,
    SlowStatement,
    verdict,
)


def kinds(**facts):
    return [finding.kind for finding in verdict(Facts(**facts))]


@pytest.mark.parametrize(("rules", "found"), [([], []), (["HighCPU"], ["not_drilled"])])
def test_rules_that_nobody_has_drilled_are_told(rules, found):
    assert kinds(not_drilled=rules) == found


def routes(requests, errors=0, slow=0):
    return [Route(name="/a", requests=requests, errors=errors, slow=slow)]


def test_a_calm_service_has_no_finding():
    assert kinds(routes=routes(1000)) == []


@pytest.mark.parametrize(
    ("requests", "errors", "found"),
    [
        (300, 3, []),
        (299, 3, ["errors"]),
        (299, 2, []),
        (20, 3, ["errors"]),
        (19, 3, ["errors"]),
        (6, 3, ["errors"]),
        (7, 3, ["errors"]),
        (2, 2, []),
        (1000, 0, []),
    ],
)
def test_failures_need_a_share_and_a_number(requests, errors, found):
    assert kinds(routes=routes(requests, errors)) == found


@pytest.mark.parametrize(("errors", "found"), [(5, []), (6, ["errors"])])
def test_one_failing_route_is_told_though_the_rest_is_well(errors, found):
    bad = Route(name="/bad", requests=100, errors=errors)
    assert kinds(routes=[bad, Route(name="/a", requests=100_000)]) == found


@pytest.mark.parametrize(
    ("requests", "slow", "found"),
    [
        (100, 4, []),
        (100, 5, ["slow_requests"]),
        (500, 5, []),
        (499, 5, ["slow_requests"]),
    ],
)
def test_slow_requests_need_a_share_and_a_number(requests, slow, found):
    assert kinds(routes=routes(requests, slow=slow)) == found


@pytest.mark.parametrize(
    ("calls", "mean", "found"), [(3, 0.1, []), (3, 0.101, ["slow_query"]), (2, 5.0, [])]
)
def test_a_statement_is_slow_above_a_tenth_of_a_second(calls, mean, found):
    slow = SlowStatement(text="SELECT 1", calls=calls, mean=mean)
    assert kinds(statements=[slow]) == found


@pytest.mark.parametrize(("requests", "found"), [(2, []), (3, ["n_plus_one"])])
def test_a_repetition_is_told_from_its_third_request_on(requests, found):
    repetition = Repetition(
        kind="n_plus_one", route="/a", subject="b.B (A.b)", site="a.py:1 f",
        requests=requests, count=9, seconds=1, advice="select_related",
    )  # fmt: skip
    assert kinds(repetitions=[repetition]) == found


@pytest.mark.parametrize(
    ("hits", "misses", "found"),
    [(50, 50, []), (49, 51, ["cache_misses"]), (0, 99, []), (0, 100, ["cache_misses"])],
)
def test_a_cache_misses_too_much_below_half(hits, misses, found):
    assert kinds(lookups=[Lookups(prefix="a", hits=hits, misses=misses)]) == found


def test_a_storm_of_misses_of_the_last_minute_is_told_once():
    well = [Lookups(prefix="a", hits=10_000, misses=900)]
    storm = [Lookups(prefix="a", hits=100, misses=900)]
    (found,) = verdict(Facts(lookups=well, lookups_of_late=storm))
    assert "90 % of its lookups of the last minute" in found.text.replace("\xa0", " ")
    assert kinds(lookups=storm, lookups_of_late=storm) == ["cache_misses"]


@pytest.mark.parametrize(("errors", "told"), [(2, False), (3, True)])
def test_errors_of_the_cache_and_the_database_are_told(errors, told):
    assert ("cache_errors" in kinds(cache_errors=errors)) is told
    assert ("database_errors" in kinds(database_errors=errors)) is told


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [(100e6, 131e6, []), (100e6, 132e6, ["memory_growth"]), (1000e6, 1040e6, [])],
)
def test_memory_that_grows_is_told(before, now, found):
    assert kinds(growths=[Growth(process="1", before=before, now=now)]) == found


@pytest.mark.parametrize(
    ("field", "limit", "kind"),
    [("cpu", 0.9, "cpu"), ("memory", 0.9, "memory"), ("disks", 0.8, "disk")],
)
def test_what_is_nearly_used_up_is_told(field, limit, kind):
    for share, found in ((limit, []), (limit + 0.01, [kind])):
        assert kinds(**{field: [Level(name="a", share=share)]}) == found


@pytest.mark.parametrize(
    ("busy", "found"), [(0.8, []), (0.81, ["saturation"]), (None, [])]
)
def test_busy_workers_are_told(busy, found):
    assert kinds(busy=busy) == found


def test_the_worst_comes_first():
    facts = {"dropped": 5, "routes": routes(100, 50)}
    assert kinds(**facts) == ["errors", "dropped"]
