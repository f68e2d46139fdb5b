"""Slack, PagerDuty and webhooks against receivers that behave and misbehave."""

from __future__ import annotations

import email.utils
import time

import orjson
import pytest

from spotter.channels import DeliveryError, Notice, PagerDuty, Slack, Webhook
from spotter.channels import http as transport
from spotter.channels.slack import message
from tests.channels.notices import notice
from tests.channels.receiver import receiving
from tests.servers.processes import free_port


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


def test_a_notice_survives_json():
    given = notice(resolved_at=5.0)
    assert Notice.of(orjson.loads(orjson.dumps(given.as_dict()))) == given


def test_a_drill_says_so_in_every_message():
    assert notice(is_drill=True).headline.startswith("[DRILL] ")
    assert "[DRILL]" in message(notice(is_drill=True))["text"]
