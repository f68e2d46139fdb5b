"""Drills: every rule is made to fire, and followed to every receiver and back."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from spotter.alerts.book import Book
from spotter.alerts.drilled import JOB
from spotter.alerts.expressions import Computed
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.channels import DeliveryError, PagerDuty, Slack
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore
from spotter.stores.sqlite import MEMORY, SqliteStore
from tests.alerts.kit import Recorded
from tests.channels.receiver import receiving

NAMES = [rule.name for rule in shipped(lambda: Book(SqliteStore(MEMORY)))]


@pytest.fixture
def drill(command):
    """Simulated: nothing is broken, and hours pass in a moment."""
    return lambda *arguments: command("--simulated", *arguments)


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_rule_can_be_drilled_to_its_receiver_and_back(
    configured, name, drill
):
    chat = Recorded()
    configured(chat)
    code, text = drill(name, "--deliver")
    assert code == 0, text
    assert chat.kinds_sent == ["trigger", "resolve"], text
    assert all(notice.headline.startswith("[DRILL]") for notice in chat.sent)


def test_without_deliver_nobody_is_told_and_what_would_be_sent_is_shown(
    configured, drill
):
    with receiving() as slack:
        configured(Slack(url=slack.url))
        code, text = drill("DatabaseDown")
    assert (code, slack.bodies) == (0, [])
    assert "slack would be sent: [DRILL] [FIRING]" in text
    assert "slack would be sent: [DRILL] [RESOLVED]" in text


def test_a_receiver_that_refuses_is_a_missing_leg(configured, drill):
    configured(Recorded(failures=[DeliveryError("410", permanent=True)]))
    code, text = drill("DatabaseDown", "--deliver")
    assert code == 1
    assert "MISSING trigger to chat 410" in text


def test_a_warning_that_pagerduty_is_not_told_of_is_no_missing_leg(configured, drill):
    configured(PagerDuty(routing_key="x" * 32))
    code, text = drill("HighCPU")
    assert code == 0
    assert "suppressed: warning is not critical" in text


def test_a_drill_leaves_nothing_but_its_date(configured, drill):
    configured(Recorded())
    drill("HighErrorRate", "--deliver")
    store = get_store()
    assert isinstance(store, SqlStore)
    with Book(store).reading() as page:
        assert page.incidents() == []
        assert page.alerts() == {}
        assert [(p.name, p.kind) for p in page.pings()] == [
            (f"{JOB}HighErrorRate", "success")
        ]
    assert store.written_at() is None


def test_where_no_channel_is_configured_a_drill_reaches_nobody(configured, drill):
    code, text = drill("DatabaseDown")
    assert code == 1
    assert "MISSING routed nobody: no channel is configured" in text


def test_a_rule_that_nothing_can_make_fire_is_a_missing_leg(
    configured, settings, drill
):
    odd = Rule(name="Odd", expression=Computed(lambda source, now: []), summary="odd")
    settings.SPOTTER = {**settings.SPOTTER, "RULES": [odd]}
    code, text = drill("Odd")
    assert code == 1
    assert "MISSING injected there is no way" in text


@pytest.mark.parametrize("arguments", [[], ["Nothing"], ["DatabaseDown", "Nothing"]])
def test_a_name_that_is_none_is_refused_with_those_that_are(
    configured, arguments, drill
):
    with pytest.raises(CommandError, match="HighErrorRate"):
        drill(*arguments)


def test_the_list_of_rules_says_when_each_was_drilled(configured, drill):
    configured(Recorded())
    drill("DatabaseDown")
    out = io.StringIO()
    call_command("spotter", "rules", stdout=out)
    lines = {line.split()[0]: line for line in out.getvalue().splitlines()[1:]}
    assert not lines["DatabaseDown"].endswith("never")
    assert lines["CacheDown"].endswith("never")
