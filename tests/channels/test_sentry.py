"""Sentry: whether it took an event is known, and the watcher's life is told."""

from __future__ import annotations

import pytest

from spotter.alerts.records import PENDING, SENT
from spotter.channels import DeliveryError, Kind, Sentry
from spotter.channels.sentry import limit_of
from tests.alerts.kit import World, rule
from tests.channels.notices import notice
from tests.servers.sentry_sink import Answer, sentry_sink


@pytest.fixture
def sink():
    with sentry_sink() as running:
        yield running


def problem(channel: Sentry) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        channel.send(notice())
    return caught.value


def test_an_incident_is_one_event_and_its_additions_and_end_are_none(sink):
    world = World(
        rule("A"), rule("B"), channels=[Sentry(dsn=sink.dsn, group_seconds=0)]
    )
    world.tick(A=1, B=0)
    world.tick(5, B=1)
    world.tick(5, A=0, B=0)
    (event,) = sink.items("event")
    assert event["logentry"]["formatted"].startswith("[FIRING] A is at 1")
    assert event["level"] == "fatal"
    assert event["environment"] == "production"
    assert sink.refused == []


def test_incidents_of_one_alert_are_events_of_one_issue(sink):
    channel = Sentry(dsn=sink.dsn)
    channel.send(notice(incident=1))
    channel.send(notice(incident=2))
    channel.send(notice(incident=3, dedup_key="spotter-other"))
    prints = [event["fingerprint"] for event in sink.items("event")]
    assert prints[0] == prints[1] == ["spotter", "spotter-abc"]
    assert prints[2] != prints[0]


def test_an_event_that_is_sent_twice_has_one_id(sink):
    channel = Sentry(dsn=sink.dsn)
    for each in (notice(), notice(), notice(Kind.LATE)):
        channel.send(each)
    ids = [event["event_id"] for event in sink.items("event")]
    assert ids[0] == ids[1] != ids[2]


def test_nothing_personal_is_in_the_evidence(sink):
    evidence = (("Log lines", "ann@example.com paid with 4111 1111 1111 1111"),)
    Sentry(dsn=sink.dsn).send(notice(evidence=evidence))
    assert b"ann@example.com" not in sink.raw
    assert b"4111" not in sink.raw


def test_what_sentry_did_not_take_is_not_called_sent(sink):
    sink.answer = Answer(status=503)
    world = World(channels=[Sentry(dsn=sink.dsn, group_seconds=0)])
    world.tick(Broken=1)
    assert world.decisions()[0][2] == PENDING
    sink.answer = Answer()
    world.tick(6)
    assert world.decisions()[0][2] == SENT
    assert len(sink.items("event")) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-Sentry-Rate-Limits": "60:error:organization"}, 60),
        ({"X-Sentry-Rate-Limits": "60::organization", "Retry-After": "5"}, 60),
        ({"X-Sentry-Rate-Limits": "60:transaction;log:key", "Retry-After": "5"}, 5),
        ({"Retry-After": "5"}, 5),
        ({}, 30),
    ],
)
def test_its_limits_are_honoured(sink, headers, seconds):
    sink.answer = Answer(status=429, headers=headers)
    error = problem(Sentry(dsn=sink.dsn))
    assert (error.retry_after, error.permanent) == (seconds, False)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("2700:default;error;security:organization", 2700),
        ("10:monitor:key, 20:error:key", 20),
        ("10::key,20:error:key", 20),
        ("99999::key", 3600),
        ("soon:error:key", None),
        (",:,", None),
        ("", None),
        (None, None),
    ],
)
def test_limits_are_read_as_sentry_writes_them(header, expected):
    assert limit_of(header, "error") == expected


def test_a_key_that_is_revoked_shuts_the_channel(sink):
    sink.answer = Answer(status=403)
    assert problem(Sentry(dsn=sink.dsn)).shut


@pytest.mark.parametrize("dsn", ["https://sentry.example/7", "nonsense", "http://[::1"])
def test_a_dsn_that_is_none_is_told_without_repeating_it(dsn):
    error = problem(Sentry(dsn=dsn))
    assert error.permanent
    assert dsn not in str(error)


def test_without_a_dsn_nothing_is_sent_and_the_check_says_so(monkeypatch):
    monkeypatch.delenv("SENTRY_DSN", raising=False)
    assert problem(Sentry()).permanent
    assert Sentry().problems({}) == ["SENTRY_DSN is not set"]
    assert Sentry().problems({"SENTRY_DSN": "https://k@s.example/1"}) == []


def test_a_check_in_makes_its_monitor_and_names_the_environment(sink):
    Sentry(dsn=sink.dsn).check_in("staging")
    (given,) = sink.items("check_in")
    assert (given["monitor_slug"], given["status"]) == ("spotter-watcher", "ok")
    assert given["environment"] == "staging"
    assert given["monitor_config"]["schedule"] == {
        "type": "interval", "value": 1, "unit": "minute",
    }  # fmt: skip
    assert sink.refused == []


def test_a_check_in_is_held_up_by_its_own_limits_alone(sink):
    limits = {"X-Sentry-Rate-Limits": "60:error:key, 90:monitor:key"}
    sink.answer = Answer(status=429, headers=limits)
    with pytest.raises(DeliveryError) as caught:
        Sentry(dsn=sink.dsn).check_in("production")
    assert caught.value.retry_after == 90


def test_without_a_monitor_nobody_checks_in(sink):
    Sentry(dsn=sink.dsn, monitor="").check_in("production")
    assert sink.requests == 0
