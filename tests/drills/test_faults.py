"""Faults at their source: really refused, full, dead, expired; told, and over again."""

from __future__ import annotations

import dataclasses
import re

import pytest

from spotter.alerts.book import Book
from spotter.alerts.expressions import Gauge
from spotter.alerts.rules import Rule
from spotter.channels import DeliveryError, Email, PagerDuty, Sentry, Slack, Webhook
from spotter.drills import faults, host, services
from spotter.drills.drill import Undrillable
from spotter.drills.simulated import WHERE
from spotter.entries import DRILL_PREFIX
from spotter.probes import Http
from spotter.stores.current import get_store
from tests.alerts.kit import Recorded

pytestmark = [
    pytest.mark.long,
    pytest.mark.usefixtures("hurried"),
    # Drills break a database connection each.
    pytest.mark.django_db(transaction=True),
]
HERE = [
    "HealthCheckFailing", "DatabaseDown", "CertificateExpiring", "DiskSpaceLow",
    "HighMemory", "HighCPU", "TaskQueueStuck", "LogLinesDropped",
]  # fmt: skip


def names():
    """Every metric in the store."""
    return {series.name for series in get_store().cumulative()}


def among_the_real_ones():
    """Series of a drill that somebody could take for the truth."""
    return [
        series
        for series in get_store().cumulative()
        if not series.name.startswith(DRILL_PREFIX)
        and WHERE in dict(series.labels).values()
    ]


def test_what_needs_no_server_is_broken_told_mended_and_told(configured, command):
    chat = Recorded()
    configured(chat)
    code, text = command(*HERE, "--fast", "--deliver")
    assert code == 0, text
    assert sorted(chat.kinds_sent) == ["resolve"] * len(HERE) + ["trigger"] * len(HERE)
    assert all(notice.headline.startswith("[DRILL]") for notice in chat.sent)
    assert names()
    assert among_the_real_ones() == []
    with Book(get_store()).reading() as page:  # type: ignore[arg-type]
        assert (page.incidents(), page.alerts()) == ([], {})


def test_each_stage_is_printed_with_its_time(configured, command):
    configured(Recorded())
    _, text = command("DatabaseDown", "--fast", "--deliver")
    stages = re.findall(r"^ +([\d.]+) s +DatabaseDown +ok +(\w+)", text, re.M)
    assert [name for _, name in stages] == [
        "injected", "measured", "pending", "firing", "routed", "trigger", "resolved", "resolve",
    ]  # fmt: skip
    times = [float(after) for after, _ in stages]
    assert times == sorted(times)
    assert "with its connection refused (for 0.5 s instead of 10 s)" in text
    assert re.search(r"^DatabaseDown +real( +[\d.]+){5}$", text, re.M)


def test_a_refused_database_is_met_by_the_projects_own_check():
    check = services.RefusedDatabase("default")
    assert check.run() == "Connected"
    check.refuses = True
    with pytest.raises(Exception, match="unable to open database file"):
        check.run()


def test_a_refused_cache_is_met_by_the_projects_own_check(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
            "OPTIONS": {"socket_connect_timeout": 1},
        }
    }
    check = services.RefusedCache("default")
    check.refuses = True
    with pytest.raises(Exception, match="refused"):
        check.run()


def test_a_cache_without_a_server_is_an_injected_reading_and_says_so(
    configured, command
):
    configured(Recorded())
    code, text = command("CacheDown", "--fast")
    assert code == 0
    assert "an injected reading: this cache has no server that could refuse" in text
    assert re.search(r"^CacheDown +injected", text, re.M)


def test_a_disk_that_may_not_be_mounted_is_an_injected_reading_and_says_so(
    monkeypatch,
):
    monkeypatch.setattr(host, "program", lambda name: "/bin/false")
    disk = Gauge(name="system.filesystem.utilization", by=("host.name",))
    fault = faults.fault_of(Rule(name="DiskSpaceLow", expression=disk, threshold=0.8))
    assert fault.how == "an injected reading: this user may mount nothing"


def test_a_rule_of_the_projects_own_is_drilled_by_a_reading(configured, command):
    long = Gauge(name="shop.queue", by=("queue",))
    own = Rule(
        name="QueueLong", expression=long, threshold=10.0, summary="{value} wait"
    )
    configured(Recorded(), RULES=[own])
    code, text = command("QueueLong", "--fast")
    assert code == 0, text


def test_the_monitor_that_is_pointed_to_a_dead_port_is_the_projects_own(configured):
    mine = Http(name="shop", url="http://127.0.0.1:1/", expect=204)
    configured(MONITORS=[mine])
    rule = Rule(name="HealthCheckFailing", expression=Gauge(name="x"))
    fault = services.DeadEndpoint(rule)
    fault.close()
    assert isinstance(fault.dead, Http)
    assert dataclasses.replace(fault.dead, name="shop", url=mine.url) == mine


def test_a_channel_that_fails_is_tried_until_it_is_an_alert(configured, command):
    configured(Recorded())
    code, text = command("NotificationChannelFailing", "--fast")
    assert code == 0, text
    assert "answered 500" in text


def test_every_kind_of_channel_sends_to_this_machine(configured, command):
    configured(
        Email(to=["ops@example.com"]),
        Slack(url="http://127.0.0.1:1/"),
        PagerDuty(routing_key="x" * 32, url="http://127.0.0.1:1/"),
        Webhook(url="http://127.0.0.1:1/", secret="s"),
        Sentry(),
        Recorded(name="odd", failures=[DeliveryError("never asked")]),
    )
    code, text = command("DatabaseDown", "--fast")
    assert code == 0, text
    for name in ("email", "slack", "pagerduty", "webhook"):
        assert f"trigger to {name} sent" in text
        assert f"resolve to {name} sent" in text
    assert "trigger to sentry sent" in text
    assert "(this kind of channel was not tried)" in text


def test_receivers_know_a_drill_by_a_key_of_its_own(configured, command):
    chat = Recorded()
    configured(chat)
    for _ in range(2):
        command("TaskQueueStuck", "--fast", "--deliver")
    keys = [notice.dedup_key for notice in chat.sent]
    assert len(set(keys)) == 2
    assert keys[0] == keys[1]


def test_a_store_that_takes_nothing_is_a_missing_leg(configured, command, monkeypatch):
    configured(Recorded())

    def refuse(*given):
        raise Undrillable("the store takes nothing")

    monkeypatch.setattr("spotter.drills.real.Real.measure", refuse)
    code, text = command("TaskQueueStuck", "--fast")
    assert code == 1
    assert "MISSING broken off the store takes nothing" in text
