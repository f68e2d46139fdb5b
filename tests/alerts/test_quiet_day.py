"""A normal day pages nobody; a dead service does, however few ask for it."""

from __future__ import annotations

import dataclasses
import math

import pytest

from spotter.alerts.expressions import FailedShare
from tests.alerts.day import Day, daily, pages
from tests.alerts.measured import Measured

pytestmark = pytest.mark.long

TRAFFIC = ("HighErrorRate", "HighErrorRateLowTraffic", "SlowResponses")


def traffic_rules(measured):
    return [measured.rules[name] for name in TRAFFIC]


def everything(day, *, hours=24.0, rules=None):
    """Whatever fired on a day, and the hour in which each began."""
    measured = Measured()
    began: dict[str, float] = {}
    chosen = rules(measured) if rules else measured.rules.values()
    for hour, fires in day.run(measured, *chosen, hours=hours):
        for name in fires:
            began.setdefault(name, hour)
    return measured, began


@pytest.mark.parametrize("seed", range(5))
def test_fifty_requests_in_five_minutes_with_one_error_in_a_thousand_page_nobody(seed):
    day = Day(seed=seed, with_host=False)
    measured, began = everything(day, rules=traffic_rules)
    assert pages(measured, set(began)) == set()


def test_without_a_minimum_volume_the_same_day_would_page():
    """What the rule would be if it were written as it is said: over 1 %."""

    def naive(measured):
        rule = measured.rules["HighErrorRate"]
        assert isinstance(rule.expression, FailedShare)
        expression = dataclasses.replace(rule.expression, at_least=1, bad_at_least=1)
        return [dataclasses.replace(rule, expression=expression)]

    _, began = everything(Day(seed=1, with_host=False), rules=naive)
    assert "HighErrorRate" in began


@pytest.mark.parametrize(
    ("share", "is_told"),
    [
        pytest.param(0.001, False, id="one in a thousand"),
        pytest.param(0.1, True, id="one in ten"),
        pytest.param(1.0, True, id="all"),
    ],
)
def test_a_real_rise_of_the_error_rate_is_told_within_a_quarter_of_an_hour(
    share, is_told
):
    day = Day(
        seed=3, with_host=False, errors=lambda hour: share if hour >= 2 else 0.001
    )
    _, began = everything(day, rules=traffic_rules, hours=3)
    assert ("HighErrorRate" in began) is is_told
    if is_told:
        assert 2 <= began["HighErrorRate"] <= 2.25


def test_a_normal_day_with_ten_releases_and_a_backup_at_night_tells_nobody_anything():
    """Whole: every rule, the host, traffic that comes and goes."""
    day = Day(
        seed=5,
        rate=lambda hour: daily(hour) / 20,
        error_share=0.0002,
        releases=tuple(8 + n for n in range(10)),
        # Four minutes of a whole core, every night at three.
        cpu=lambda hour: 1.0 if 3 <= hour < 3 + 4 / 60 else 0.2,
    )
    _, began = everything(day)
    assert began == {}


def test_a_backup_that_takes_the_cpu_for_half_an_hour_is_told_and_pages_nobody():
    day = Day(
        seed=5, rate=lambda hour: 0.0, cpu=lambda hour: 1.0 if 1 <= hour < 1.5 else 0.2
    )
    measured, began = everything(day, hours=3)
    assert set(began) == {"HighCPU"}
    assert pages(measured, set(began)) == set()


def test_a_weekend_without_a_single_request_is_no_news():
    _, began = everything(Day(seed=1, rate=lambda hour: 0.0), hours=12)
    assert began == {}


def test_a_service_that_dies_at_night_is_told_though_nobody_asks_for_it():
    """Nothing is measured any more, and the probes fail."""
    day = Day(seed=1, rate=lambda hour: 0.0, dies_at=2)
    measured, began = everything(day, hours=3)
    assert pages(measured, set(began)) == {"HealthCheckFailing", "MonitoringNoData"}
    assert began["HealthCheckFailing"] <= 2 + 1 / 60
    assert began["MonitoringNoData"] <= 2 + 6 / 60


@pytest.mark.parametrize(
    ("requests_an_hour", "expected"),
    [
        pytest.param(0.3, set(), id="too few to know"),
        pytest.param(8, {"HighErrorRateLowTraffic"}, id="few"),
    ],
)
def test_a_service_of_few_requests_that_all_fail_is_told(requests_an_hour, expected):
    day = Day(
        seed=2,
        rate=lambda hour: requests_an_hour / 3600,
        error_share=1.0,
        with_host=False,
    )
    measured, began = everything(day, rules=traffic_rules, hours=6)
    assert pages(measured, set(began)) == expected


def test_a_release_that_breaks_a_quarter_of_the_requests_is_named():
    day = Day(
        seed=4,
        rate=lambda hour: 1.0,
        releases=(2.0,),
        errors=lambda hour: 0.25 if hour >= 2 else 0.001,
    )
    _, began = everything(day, hours=3)
    assert set(began) == {"HighErrorRate", "DeployMadeItWorse"}
    assert began["DeployMadeItWorse"] <= 2 + 5 / 60


def test_the_day_itself_has_the_shares_that_it_says():
    measured = Measured()
    for _ in Day(seed=9, rate=lambda hour: 5.0, error_share=0.02).run(measured, hours=1):  # fmt: skip
        pass
    reading = FailedShare(
        name="http.server.request.duration",
        label="http.response.status_code",
        prefix="5",
        window=3600.0,
    ).read(measured, measured.now)[0]
    assert reading.value is not None
    assert math.isclose(reading.value, 0.02, abs_tol=0.005)
