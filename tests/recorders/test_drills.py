"""Requests of a drill: they do as a signed order says, and change no number."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import ClassVar
from unittest import mock

import pytest
from django.core import signing
from django.urls import path
from django.utils.log import AdminEmailHandler

from spotter.alerts.shipped import shipped
from spotter.entries import DRILL_PREFIX
from spotter.recorders import drills
from spotter.recorders.drills import MAX_SECONDS, SALT, Order, SyntheticFailure
from tests.kept import recorded

pytestmark = pytest.mark.usefixtures("kept")
DURATION = "http.server.request.duration"
STATUS = "http.response.status_code"


@pytest.fixture
def ask(client):
    client.raise_request_exception = False

    def ask(header: str | None):
        headers = {} if header is None else {drills.SENT_HEADER: header}
        return client.get("/spotter/drill/", headers=headers).status_code

    return ask


@pytest.mark.parametrize("status", [200, 204, 404, 500, 503])
def test_an_order_is_carried_out(ask, status):
    assert ask(Order(drill="HighErrorRate", status=status).signed()) == status


class Hears:
    """A middleware of the project's that hears of exceptions."""

    heard: ClassVar[list[Exception]] = []

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        self.heard.append(exception)


def test_a_failure_is_a_real_exception_that_says_that_nothing_is_broken(ask, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{Hears.__qualname__}"]
    Hears.heard.clear()
    assert ask(Order(drill="HighErrorRate", status=500).signed()) == 500
    (error,) = Hears.heard
    assert isinstance(error, SyntheticFailure)
    assert str(error) == "[DRILL] of HighErrorRate: nothing is broken"


@pytest.fixture
def mailed(settings, mailoutbox):
    """What Django mails to ADMINS."""
    settings.ADMINS = [("Ops", "ops@example.com")]
    handler = AdminEmailHandler()
    handler.setLevel("ERROR")
    logging.getLogger("django.request").addHandler(handler)
    yield mailoutbox
    logging.getLogger("django.request").removeHandler(handler)


@pytest.mark.parametrize("status", [500, 503])
def test_nobody_is_mailed_a_drills_failure(ask, mailed, caplog, status):
    caplog.set_level("INFO", "spotter.drills")
    assert ask(Order(drill="HighErrorRate", status=status).signed()) == status
    assert mailed == []
    assert f"[DRILL] of HighErrorRate: answered {status}" in caplog.text


def boom(request):
    raise ZeroDivisionError


urlpatterns = [path("boom/", boom)]


@pytest.mark.urls(__name__)
def test_everybody_elses_failure_is_mailed(client, mailed):
    client.raise_request_exception = False
    assert client.get("/boom/").status_code == 500
    assert mailed


@pytest.mark.parametrize("header", [None, "", "forged", "x" * 5000])
def test_without_a_signed_order_there_is_nothing(ask, header):
    assert ask(header) == 404
    assert recorded(DRILL_PREFIX + DURATION) == {}


def test_an_order_of_another_key_is_none(ask, settings):
    header = Order(drill="HighErrorRate", status=500).signed()
    settings.SECRET_KEY = "another"
    assert ask(header) == 404


@pytest.mark.parametrize(("age", "status"), [(119, 503), (121, 404)])
def test_an_order_is_good_for_two_minutes(ask, age, status):
    with mock.patch("time.time", return_value=time.time() - age):
        header = Order(drill="HighErrorRate", status=503).signed()
    assert ask(header) == status


@pytest.mark.parametrize(
    "asked",
    [
        {"drill": "x", "status": 199},
        {"drill": "x", "status": 600},
        {"drill": "x", "seconds": MAX_SECONDS + 0.1},
        {"drill": "x", "seconds": -1},
        {"drill": "x", "more": 1},
    ],
)
def test_an_order_out_of_bounds_is_none(ask, asked):
    assert ask(signing.dumps(asked, salt=SALT)) == 404


def test_no_more_than_a_few_are_slow_at_once(ask):
    with drills._seats, drills._seats:
        assert ask(Order(drill="SlowResponses", seconds=0.01).signed()) == 429
    assert ask(Order(drill="SlowResponses", seconds=0.01).signed()) == 200


def test_a_drill_is_measured_and_no_total_changes(ask, client):
    client.get("/live-page-that-is-not-there/")
    before = recorded(DURATION, STATUS)
    for _ in range(30):
        ask(Order(drill="HighErrorRate", status=500).signed())
    assert {k: p.count for k, p in recorded(DURATION, STATUS).items()} == {
        k: p.count for k, p in before.items()
    }
    drilled = recorded(DRILL_PREFIX + DURATION, STATUS, "spotter.drill")
    assert {k: p.count for k, p in drilled.items()} == {("500", "HighErrorRate"): 30}


def test_an_order_elsewhere_hides_nothing(client):
    header = {drills.SENT_HEADER: Order(drill="HighErrorRate").signed()}
    client.get("/no-such-page/", headers=header)
    assert sum(p.count for p in recorded(DURATION, STATUS).values()) == 1
    assert recorded(DRILL_PREFIX + DURATION) == {}


def test_under_asgi_too(async_client):
    async_client.raise_request_exception = False
    header = {drills.SENT_HEADER: Order(drill="HighErrorRate", status=500).signed()}
    answer = asyncio.run(async_client.get("/spotter/drill/", headers=header))
    assert answer.status_code == 500
    drilled = recorded(DRILL_PREFIX + DURATION, STATUS)
    assert {k: p.count for k, p in drilled.items()} == {"500": 1}


def test_no_rule_fires_because_of_a_drill(ask, kept):
    for _ in range(30):
        ask(Order(drill="HighErrorRate", status=500).signed())
    recorded(DURATION)
    rules = {rule.name: rule for rule in shipped(lambda: None)}  # type: ignore[arg-type,return-value]
    for name in ("HighErrorRate", "HighErrorRateLowTraffic", "SlowResponses"):
        readings = rules[name].expression.read(kept, time.time())
        assert [r.value for r in readings] in ([None], []), name


def test_a_drills_series_do_not_outlive_it_by_days(ask, kept):
    ask(Order(drill="HighErrorRate", status=500).signed())
    recorded(DURATION)
    for days in (3, 4):
        kept.trim(time.time() + days * 86400)
    with kept.transaction(write=False) as execute:
        names = [row[0] for row in execute("SELECT name FROM spotter_series")]
    assert not [name for name in names if name.startswith(DRILL_PREFIX)]


def test_a_scraper_and_the_examples_see_nothing_of_a_drill(ask, client, kept):
    ask(Order(drill="HighErrorRate", status=500).signed())
    recorded(DURATION)
    assert kept.samples("request") == []
    assert "drill" not in client.get("/metrics/").content.decode()


def test_a_drills_failure_is_nobodys_error_in_sentry(ask, monkeypatch):
    monkeypatch.setattr("spotter.errors.light.is_active", True)
    with mock.patch("sentry_sdk.capture_event") as sent:
        ask(Order(drill="HighErrorRate", status=500).signed())
    assert not sent.called
