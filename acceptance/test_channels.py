"""Whom TrainerHub tells, by what is in its environment."""

from __future__ import annotations

import re

import pytest

from spotter.channels import Channel, Email, PagerDuty
from tests.servers.web import CHECKOUT
from trainerhub.observability import channels

SECRETS = {
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/very-secret",
    "PAGERDUTY_ROUTING_KEY": "0" * 32,
    "PAGERDUTY_PREVIOUS_ROUTING_KEY": "1" * 32,
    "SENTRY_DSN": "https://0123456789abcdef@sentry.example/7",
}


def by_name(env: dict[str, str]) -> dict[str, Channel]:
    return {each.name: each for each in channels(env)}


def test_without_any_secret_the_e_mail_is_told():
    (email,) = channels({})
    assert isinstance(email, Email)
    assert email.to == ["devops@trainerhubb.app"]


def test_with_all_secrets_everybody_of_the_specification_is_told():
    found = channels(SECRETS)
    assert [each.name for each in found] == ["email", "slack", "pagerduty", "sentry"]
    assert [problem for each in found for problem in each.problems(SECRETS)] == []


@pytest.mark.parametrize(
    ("severity", "environment", "told"),
    [
        ("critical", "production", {"email", "slack", "pagerduty", "sentry"}),
        ("warning", "production", {"email", "slack", "sentry"}),
        ("critical", "staging", {"email", "slack", "sentry"}),
        ("critical", "", {"email", "slack", "sentry"}),
    ],
)
def test_pagerduty_is_for_critical_alerts_in_production(severity, environment, told):
    given = {"severity": severity, "environment": environment}
    assert told == {
        name
        for name, each in by_name(SECRETS).items()
        if not each.why_not(alerts=[{"rule": "A"}], now=0.0, **given)
    }


def test_a_replaced_key_is_known_until_it_is_taken_away():
    pager = by_name(SECRETS)["pagerduty"]
    assert isinstance(pager, PagerDuty)
    assert pager.previous_routing_keys == ("1" * 32,)


def test_no_secret_is_in_what_is_shown_of_the_channels():
    shown = repr(channels(SECRETS))
    assert not any(secret in shown for secret in SECRETS.values())


def test_every_variable_that_is_read_is_documented():
    text = (CHECKOUT / "docs" / "reference" / "alerting.md").read_text()
    source = (CHECKOUT / "trainerhub" / "observability.py").read_text()
    body = source[
        source.index("def alerting(") : source.index("def health_and_metrics(")
    ]
    read = set(re.findall(r'env(?:\.get\(|\[)"(\w+)"', body)) - {"PORT"}
    assert len(read) > 8
    documented = text[text.index("## What TrainerHub reads") :]
    assert [name for name in sorted(read) if f"`{name}`" not in documented] == []
