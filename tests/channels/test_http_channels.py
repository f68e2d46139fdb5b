"""Slack, PagerDuty and webhooks against receivers that behave and misbehave."""

from __future__ import annotations

import email.utils
import hashlib
import hmac
import time

import orjson
import pytest

from spotter.channels import DeliveryError, Kind, Notice, PagerDuty, Slack, Webhook
from spotter.channels import http as transport
from spotter.channels.pagerduty import event
from spotter.channels.slack import message
from tests.channels.notices import notice
from tests.channels.receiver import receiving
from tests.servers.processes import free_port

KEY = "k" * 32


def problem(channel) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        channel.send(notice())
    return caught.value


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_permanent(status):
    with receiving(usual=(status, {}, "no_service")) as receiver:
        error = problem(Slack(url=receiver.url))
    assert error.permanent
    assert str(error) == f"answered {status}: no_service"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(status):
    with receiving(usual=(status, {}, "")) as receiver:
        assert not problem(Slack(url=receiver.url)).permanent


def test_the_wait_that_a_receiver_asks_for_is_honoured_in_seconds():
    with receiving(usual=(429, {"Retry-After": "7"}, "")) as receiver:
        assert problem(Slack(url=receiver.url)).retry_after == 7


def test_the_wait_that_a_receiver_asks_for_is_honoured_as_a_date():
    at = email.utils.formatdate(time.time() + 100, usegmt=True)
    with receiving(usual=(503, {"Retry-After": at}, "")) as receiver:
        wait = problem(Slack(url=receiver.url)).retry_after
    assert wait == pytest.approx(100, abs=5)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("0", 0),
        ("3600", 3600),
        ("3601", 3600),
        ("soon", None),
        ("", None),
        ("-1", None),
    ],
)
def test_a_wait_is_believed_up_to_an_hour(header, expected):
    assert transport.wait_of(header, 1000.0) == expected


def test_a_cut_connection_may_have_delivered_and_is_tried_again():
    with receiving() as receiver:
        receiver.script = ["cut"]
        assert not problem(Slack(url=receiver.url)).permanent
    assert len(receiver.bodies) == 1


def test_a_refused_connection_is_tried_again_and_names_no_address():
    error = problem(Slack(url=f"http://127.0.0.1:{free_port()}/hook/secret-path"))
    assert not error.permanent
    assert "secret-path" not in str(error)


def test_a_name_that_does_not_resolve_is_tried_again():
    assert not problem(Slack(url="http://nowhere.invalid/hook")).permanent


@pytest.mark.parametrize("url", ["http://", "http://[::1", "hooks.slack.com/x"])
def test_an_address_that_is_none_is_permanent(url):
    assert problem(Slack(url=url)).permanent


def test_a_proxy_of_the_environments_is_used(monkeypatch):
    with receiving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        Slack(url="http://slack.invalid/hook").send(notice())
    assert proxy.headers[0]["Host"] == "slack.invalid"


def test_a_host_that_the_environment_spares_is_asked_without_the_proxy(monkeypatch):
    with receiving() as proxy, receiving() as receiver:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        Slack(url=receiver.url).send(notice())
    assert (len(proxy.bodies), len(receiver.bodies)) == (0, 1)


def test_a_redirect_is_not_followed_with_the_message():
    with receiving() as other, receiving() as receiver:
        receiver.script = [(302, {"Location": other.url}, "")]
        assert problem(Slack(url=receiver.url)).permanent
    assert other.bodies == []


def test_no_secret_is_shown_by_a_channel():
    for channel in (
        Slack(url="https://hooks.example/T0/secret"),
        PagerDuty(routing_key="secret" * 5 + "xx"),
        Webhook(url="https://x.example/secret", secret="secret"),
    ):
        assert "secret" not in repr(channel).replace("secret=", "")


LONG = "x" * 9000


@pytest.mark.parametrize(
    "given",
    [
        notice(),
        notice(Kind.RESOLVE, resolved_at=1_764_065_800.0),
        notice(
            title=LONG, lines=(LONG,) * 40, evidence=((LONG, LONG),) * 30, reason=LONG
        ),
        notice(title="<!channel> & <b>", lines=("<@U1>",)),
    ],
    ids=["usual", "resolve", "too much", "markup"],
)
def test_slacks_limits_are_kept(given: Notice):
    body = message(given)
    assert body["text"]
    assert len(body["blocks"]) <= 50
    for block in body["blocks"]:
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150
        for text in [block["text"]] if "text" in block else []:
            assert len(text["text"]) <= 3000
        assert len(block.get("fields", ())) <= 10
        assert all(len(field["text"]) <= 2000 for field in block.get("fields", ()))
        assert all(len(e["text"]) <= 3000 for e in block.get("elements", ()))
    assert "<!channel>" not in body["text"]
    assert "<@U1>" not in str(body)


def test_pagerduty_is_told_of_the_beginning_and_the_end_under_one_key():
    with receiving(usual=(202, {}, "{}")) as receiver:
        channel = PagerDuty(routing_key=KEY, url=receiver.url)
        for kind in (
            Kind.TRIGGER,
            Kind.UPDATE,
            Kind.ACKNOWLEDGE,
            Kind.RESOLVE,
            Kind.LATE,
        ):
            channel.send(notice(kind))
    actions = [body["event_action"] for body in receiver.bodies]
    assert actions == ["trigger", "trigger", "acknowledge", "resolve", "resolve"]
    assert {body["dedup_key"] for body in receiver.bodies} == {"spotter-abc"}
    assert receiver.bodies[0]["payload"]["timestamp"] == "2025-11-25T10:00:00Z"
    assert receiver.bodies[0]["payload"]["severity"] == "critical"


def test_pagerduty_takes_nothing_but_202():
    with receiving(usual=(200, {}, "{}")) as receiver:
        channel = PagerDuty(routing_key=KEY, url=receiver.url)
        with pytest.raises(DeliveryError):
            channel.send(notice())


def test_pagerdutys_limits_are_kept():
    evidence = tuple((f"name {n}", LONG) for n in range(400))
    body = event(notice(title=LONG, evidence=evidence), KEY)
    assert len(body["payload"]["summary"]) == 1024
    assert len(orjson.dumps(body)) <= 512_000
    assert "custom_details" not in body["payload"]


def test_a_webhook_is_signed_and_says_when_it_is_a_repetition():
    with receiving() as receiver:
        channel = Webhook(url=receiver.url, secret="s3cret")
        channel.send(notice())
        channel.send(notice())
    keys = {headers["Idempotency-Key"] for headers in receiver.headers}
    assert len(keys) == 1
    given = dict(
        part.split("=")
        for part in receiver.headers[0]["X-Spotter-Signature"].split(",")
    )
    signed = f"{given['t']}.".encode() + receiver.raw[0]
    expected = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert given["v1"] == expected
    assert receiver.bodies[0]["version"] == 1


def test_a_notice_survives_json():
    given = notice(resolved_at=5.0)
    assert Notice.of(orjson.loads(orjson.dumps(given.as_dict()))) == given


def test_a_drill_says_so_in_every_message():
    assert notice(is_drill=True).headline.startswith("[DRILL] ")
    assert "[DRILL]" in message(notice(is_drill=True))["text"]
