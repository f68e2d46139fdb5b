"""A wrong setting of health or metrics is told at start."""

from __future__ import annotations

import pytest
from django.core import checks
from django.test import override_settings


def told(**spotter):
    with override_settings(SPOTTER=spotter):
        found = checks.run_checks(tags=["spotter"])
    assert all(message.hint for message in found)
    return [message.id for message in found]


def test_the_defaults_are_right():
    assert told() == []


@pytest.mark.parametrize(
    "entry", ["no.such.Check", 7, dict, "spotter.health.HealthCheck"]
)
def test_what_is_no_check_is_refused(entry):
    assert told(HEALTH_CHECKS=[entry]) == ["spotter.E010"]


def test_an_unknown_access_is_refused():
    assert told(METRICS_ACCESS="everybody") == ["spotter.E011"]


@pytest.mark.parametrize("value", [0, -1, "1", None, True, float("inf")])
def test_a_duration_is_above_zero(value):
    assert told(HEALTH_TTL_SECONDS=value) == ["spotter.E012"]


def test_token_access_without_a_token_is_refused():
    assert told(METRICS_ACCESS="token") == ["spotter.E013"]
    assert told(METRICS_ACCESS="token", TOKEN="sesame") == []
