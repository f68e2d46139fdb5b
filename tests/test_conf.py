"""A setting of a wrong kind is told at start, and fails nothing until then."""

from __future__ import annotations

import dataclasses

import pytest
from django.core import checks

from spotter import conf


def told(settings, **spotter):
    settings.SPOTTER = spotter
    return [message.id for message in checks.run_checks(tags=["spotter"])]


@pytest.mark.parametrize(
    "given",
    [
        {"ACCEPT_REQUEST_ID": "false"},
        {"METRICS_STATEMENTS": 1},
        {"PROBE_PREFIX": 7},
        {"TOKEN": b"sesame"},
        {"RULES": "HighCPU"},
        {"HEALTH_CHECKS": "shop.health.Check"},
        {"SENTRY_SKIP_PATHS": "/health/"},
        {"SENTRY_OPTIONS": [("debug", True)]},
        {"MONITORS": 7},
    ],
)
def test_a_value_of_a_wrong_kind_is_told_once_and_has_no_effect(settings, given):
    assert told(settings, **given) == ["spotter.E002"]
    assert conf.get_settings() == conf.Settings()


def test_what_it_is_is_not_told_since_it_may_be_a_secret(settings):
    settings.SPOTTER = {"TOKEN": b"sesame"}
    (error,) = checks.run_checks(tags=["spotter"])
    assert "TOKEN is of the type bytes" in error.msg
    assert "sesame" not in str(error)


@pytest.mark.parametrize("field", dataclasses.fields(conf.Settings))
def test_none_stands_for_what_was_not_given(settings, field):
    settings.SPOTTER = {field.name.upper(): None}
    assert conf.get_settings() == conf.Settings()


def test_a_number_that_came_as_text_fails_no_request(settings):
    assert told(settings, SLOW_QUERY_SECONDS="0.1") == ["spotter.E021"]
    assert conf.get_settings().slow_query_seconds == 0.1
    assert told(settings, SLOW_QUERY_SECONDS=True) == ["spotter.E021"]
    assert conf.get_settings().slow_query_seconds == 0.1


def test_every_kind_that_is_right_is_taken(settings):
    given = {"RULES_OFF": {"HighCPU"}, "FLUSH_SECONDS": 1, "SENTRY_OPTIONS": {"a": 1}}
    assert told(settings, **given, TOKEN="sesame", RECORDING=False) == []
    found = conf.get_settings()
    assert set(found.rules_off) == {"HighCPU"}
    assert (found.flush_seconds, found.sentry_options) == (1, {"a": 1})
    assert (found.token, found.recording) == ("sesame", False)
