"""Requests are reported to Sentry by what Spotter captured, each by itself."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any

import pytest
import sentry_sdk
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from spotter.errors import light
from spotter.errors.checks import check_integration
from spotter.errors.setup import is_light, options

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


def fail(request):
    User.objects.filter(username="canary").count()
    cache.get("session:17")
    raise LookupError("no such trainer")


def tagged(request, number):
    sentry_sdk.set_tag("number", number)
    sentry_sdk.add_breadcrumb(message=f"crumb {number}")
    sentry_sdk.capture_message(f"message {number}")
    return HttpResponse(b"")


async def atagged(request, number):
    sentry_sdk.set_tag("number", number)
    await asyncio.sleep(0.01)
    sentry_sdk.capture_message(f"message {number}")
    return HttpResponse(b"")


def plain(request):
    sentry_sdk.capture_message("plain")
    return HttpResponse(b"")


def torn(request):
    def parts():
        yield b"one"
        raise LookupError("no more")

    return StreamingHttpResponse(parts())


urlpatterns = [
    path("fail/<int:pk>/", lambda request, pk: fail(request)),
    path("tagged/<int:number>/", tagged),
    path("atagged/<int:number>/", atagged),
    path("plain/", plain),
    path("torn/", torn),
]


class Sent(list[Any]):
    """What was sent: events and transactions as they left."""

    def of(self, kind):
        return [item.payload.json for item in self if item.type == kind]


@pytest.fixture
def sent(monkeypatch):
    """An SDK started as Spotter starts it, which sends to a list."""
    items = Sent()

    class Keeping(sentry_sdk.Transport):
        def capture_envelope(self, envelope):
            items.extend(envelope.items)

    def start(rate=0.0):
        made = {**options("http://key@127.0.0.1:9/1"), "traces_sample_rate": rate}
        del made["send_default_pii"]  # the SDK warns that it will go
        sentry_sdk.init(**made, transport=Keeping)
        monkeypatch.setattr(light, "is_active", True)
        return items

    yield start
    sentry_sdk.get_client().close()
    sentry_sdk.init(default_integrations=False)


@pytest.fixture
def ask():
    return Client(raise_request_exception=False).get


def test_an_exception_arrives_once_with_its_request(sent, ask):
    items = sent()
    answer = ask("/fail/7/?q=1")
    (event,) = items.of("event")
    assert event["exception"]["values"][0]["type"] == "LookupError"
    assert event["transaction"] == "/fail/<int:pk>/"
    assert event["tags"]["request_id"] == answer["X-Request-ID"]
    assert (event["request"]["method"], event["request"]["query_string"]) == (
        "GET",
        "q=1",
    )


def test_what_the_request_waited_for_is_among_its_breadcrumbs(sent, ask):
    items = sent()
    ask("/fail/7/")
    crumbs = items.of("event")[0]["breadcrumbs"]["values"]
    assert [crumb["category"] for crumb in crumbs] == ["db", "cache.get"]
    assert "auth_user" in crumbs[0]["message"]
    assert "canary" not in str(crumbs)


def test_one_requests_tags_and_breadcrumbs_are_not_the_nexts(sent, ask):
    items = sent()
    ask("/tagged/1/")
    ask("/plain/")
    ours, theirs = items.of("event")
    assert ours["tags"]["number"] == 1
    assert "number" not in theirs["tags"]
    assert "crumb 1" not in str(theirs)


def test_requests_in_threads_keep_their_tags_apart(sent):
    items = sent()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: Client().get(f"/tagged/{n}/"), range(40)))
    assert {(e["message"], e["tags"]["number"]) for e in items.of("event")} == {
        (f"message {n}", n) for n in range(40)
    }


def test_requests_of_one_event_loop_keep_their_tags_apart(sent):
    items = sent()

    async def crowd():
        client = AsyncClient()
        await asyncio.gather(*(client.get(f"/atagged/{n}/") for n in range(20)))

    asyncio.run(crowd())
    assert {(e["message"], e["tags"]["number"]) for e in items.of("event")} == {
        (f"message {n}", n) for n in range(20)
    }


def test_what_the_project_set_before_is_on_every_event(sent, ask):
    items = sent()
    with sentry_sdk.isolation_scope() as scope:
        scope.set_tag("shard", "a")
        ask("/tagged/1/")
    assert items.of("event")[0]["tags"]["shard"] == "a"


@pytest.mark.parametrize(("rate", "count"), [(0.0, 0), (1.0, 1)])
def test_a_sampled_request_is_a_transaction_with_its_spans(sent, ask, rate, count):
    items = sent(rate)
    ask("/fail/7/")
    transactions = items.of("transaction")
    assert len(transactions) == count
    for each in transactions:
        assert each["transaction"] == "/fail/<int:pk>/"
        assert [span["op"] for span in each["spans"]] == ["db", "cache.get"]
        assert each["contexts"]["trace"]["status"] == "internal_error"


def test_a_share_of_requests_is_sampled(sent, ask, monkeypatch):
    items = sent(0.25)
    draws = iter([0.1, 0.24, 0.25, 0.9])
    monkeypatch.setattr("spotter.errors.light.random.random", lambda: next(draws))
    for _ in range(4):
        ask("/plain/")
    assert len(items.of("transaction")) == 2


TRACE = "771a43a4192642f0b136d5159a501700"


@pytest.mark.parametrize(("flag", "count"), [("1", 1), ("0", 0)])
def test_a_trace_that_began_elsewhere_is_gone_on_with(sent, ask, flag, count):
    items = sent(0.5)
    ask("/plain/", headers={"sentry-trace": f"{TRACE}-1234567890abcdef-{flag}"})
    found = items.of("transaction")
    assert len(found) == count
    assert all(each["contexts"]["trace"]["trace_id"] == TRACE for each in found)


def test_a_stream_that_tears_is_told(sent, ask):
    items = sent()
    with pytest.raises(LookupError):
        b"".join(ask("/torn/").streaming_content)
    assert items.of("event")[0]["exception"]["values"][0]["value"] == "no more"


@pytest.mark.parametrize("path", ["/nowhere/", "/plain/"])
def test_what_is_no_failure_is_no_event(sent, ask, path):
    items = sent()
    ask(path)
    assert [e for e in items.of("event") if "exception" in e] == []


@pytest.mark.parametrize(
    ("given", "light", "ids"),
    [
        ({}, True, []),
        ({"SENTRY_INTEGRATION": "sdk"}, False, []),
        ({"SENTRY_INTEGRATION": "none"}, False, ["spotter.E043"]),
        ({"SENTRY_OPTIONS": {"integrations": []}}, False, []),
    ],
)
def test_the_project_chooses_the_integration(settings, given, light, ids):
    settings.SPOTTER = given
    assert is_light() is light
    assert [error.id for error in check_integration()] == ids
