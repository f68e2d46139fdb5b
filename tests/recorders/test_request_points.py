"""What a request leaves in the store: counts by route, and examples of the worst."""

from __future__ import annotations

import importlib
import time

import pytest
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.crypto import get_random_string

from spotter import recording
from spotter.entries import FAILED_WEIGHT, SLOW_WEIGHT
from spotter.middleware import SpotterMiddleware
from spotter.recorders.agents import MAX_AGENT, agent_kind
from spotter.recorders.cache_points import MAX_KEY, prefix_of, prefix_of_short
from spotter.recorders.examples import OFFERED, Examples
from spotter.recorders.queries.points import MAX_FINGERPRINTS, Fingerprints
from spotter.recorders.queueing import MAX_SECONDS, queue_seconds
from spotter.recorders.requests import in_flight, read_in_flight
from tests.kept import recorded

pytestmark = [
    pytest.mark.urls("tests.measured_views"),
    pytest.mark.django_db(databases=["default"]),
]
DURATION = "http.server.request.duration"
ROUTE, STATUS = "http.route", "http.response.status_code"


@pytest.fixture
def ask(kept, monkeypatch):
    monkeypatch.setattr(
        "spotter.recorders.request_points.is_worth_it", Examples().is_worth_it
    )
    monkeypatch.setattr(
        "spotter.recorders.queries.points.is_worth_it", Examples().is_worth_it
    )
    return Client(raise_request_exception=False).get


def test_requests_are_counted_by_route_method_and_status(ask):
    for pk in (1, 2, 3):
        ask(f"/clients/{pk}/")
    ask("/missing/1/")
    found = recorded(DURATION, ROUTE, "http.request.method", STATUS)
    assert {group: p.count for group, p in found.items()} == {
        ("/clients/<int:pk>/", "GET", "200"): 3,
        ("/missing/<int:pk>/", "GET", "404"): 1,
    }


def test_what_matches_no_pattern_is_one_route(ask):
    for number in range(3):
        ask(f"/nowhere/{number}")
    assert recorded(DURATION, ROUTE)["__unmatched__"].count == 3


def test_an_example_does_not_show_a_secret_of_its_path(ask, kept):
    ask("/reset/c9q-31f7/")
    recorded(DURATION, ROUTE)
    paths = [sample.body["path"] for sample in kept.samples("request")]
    assert paths == ["/reset/[Filtered]/"]


def test_a_failure_is_counted_with_its_exception(ask):
    ask("/fail/")
    assert recorded(DURATION, STATUS)["500"].count == 1
    found = recorded("spotter.http.server.exceptions", ROUTE, "error.type")
    assert found["/fail/", "LookupError"].sum == 1


def test_all_routes_together_are_counted_by_class_of_status(ask):
    ask("/")
    ask("/fail/")
    found = recorded("spotter.http.server.duration", "http.response.status_class")
    assert {kind: p.count for kind, p in found.items()} == {"2xx": 1, "5xx": 1}


def test_a_route_knows_its_queries_sizes_and_cache(ask):
    ask("/busy/")
    assert recorded("spotter.http.server.db.queries", ROUTE)["/busy/"].sum == 2
    assert recorded("spotter.http.server.db.duration", ROUTE)["/busy/"].sum > 0
    assert recorded("spotter.http.server.cache.duration", ROUTE)["/busy/"].sum > 0
    assert recorded("http.server.response.body.size", ROUTE)["/busy/"].sum == 32


def test_what_a_route_never_has_takes_no_series(ask):
    ask("/clients/1/")
    assert recorded("http.server.request.body.size", ROUTE) == {}
    assert recorded("spotter.http.server.cache.duration", ROUTE) == {}


def test_the_size_of_a_body_is_that_of_requests_that_have_one(ask):
    client = Client()
    ask("/clients/1/")
    client.post("/clients/1/", b"x" * 300, content_type="text/plain")
    point = recorded("http.server.request.body.size", ROUTE)["/clients/<int:pk>/"]
    assert (point.count, point.sum) == (1, 300)


def test_statements_are_counted_with_the_routes_that_call_them(ask):
    for _ in range(3):
        ask("/busy/")
    found = recorded("spotter.db.statement.callers", "db.query.fingerprint", ROUTE)
    assert {route for _, route in found} == {"/busy/"}
    assert sum(p.count for p in found.values()) == 6


def test_lookups_are_counted_by_prefix_and_result(ask):
    ask("/busy/")
    found = recorded("spotter.cache.lookups", "cache.alias", "result")
    assert {group: p.sum for group, p in found.items()} == {
        ("default", "hit"): 1,
        ("default", "miss"): 1,
    }


@pytest.mark.urls("tests.project.urls")
@pytest.mark.parametrize("path", ["/health/", "/live/", "/ready/", "/metrics/"])
def test_probes_are_in_no_statistics(ask, path):
    ask(path)
    assert recorded(DURATION) == {}


def test_a_stream_is_counted_when_it_ends(ask):
    response = ask("/stream/")
    assert recorded(DURATION) == {}
    b"".join(response.streaming_content)
    response.close()
    assert recorded("spotter.http.server.db.queries", ROUTE)["/stream/"].sum == 1


def test_a_client_that_hangs_up_is_counted(ask):
    ask("/stream/").close()
    assert recorded("spotter.http.server.disconnects", ROUTE)["/stream/"].sum == 1


def test_no_request_stays_in_flight(ask):
    for path in ("/", "/fail/", "/nowhere"):
        ask(path)
    assert in_flight == {}


def test_the_failed_and_the_slow_are_kept_as_examples(ask, settings, kept):
    settings.SPOTTER = {**settings.SPOTTER, "SLOW_REQUEST_SECONDS": 0.0}
    ask("/busy/")
    ask("/fail/")
    recording.flush()
    told = {s.key: s.body["why"] for s in kept.samples("request")}
    assert told == {"/busy/": "slow", "/fail/": "failed"}


def test_an_example_has_its_spans_and_how_to_find_its_lines(ask, kept):
    answer = ask("/busy/")
    recording.flush()
    (sample,) = kept.samples("request")
    assert sample.body["request_id"] == answer["X-Request-ID"]
    assert [span["kind"] for span in sample.body["spans"]] == [
        "db",
        "db",
        "cache",
        "cache",
    ]


def test_an_example_shows_nothing_private(ask, kept):
    ask("/nowhere/ann@example.com/?token=canary", HTTP_AUTHORIZATION="Bearer canary")
    recording.flush()
    told = str([sample.body for sample in kept.samples("request")])
    assert "nowhere" in told
    assert "ann@" not in told
    assert "canary" not in told


@pytest.mark.parametrize("count", [OFFERED - 1, OFFERED, OFFERED + 1])
def test_a_route_keeps_its_weightiest_examples_of_an_hour(count):
    examples = Examples()
    taken = [examples.is_worth_it("request", "/a", 0, w) for w in range(count, 0, -1)]
    assert sum(taken) == min(count, OFFERED)
    assert examples.is_worth_it("request", "/a", 0, count + 1)
    assert examples.is_worth_it("request", "/a", 3600, 0)


def test_a_slow_request_is_offered_after_any_number_that_failed():
    examples = Examples()
    for _ in range(OFFERED):
        assert examples.is_worth_it("request", "/a", 0, FAILED_WEIGHT + 1)
    assert not examples.is_worth_it("request", "/a", 0, FAILED_WEIGHT + 1)
    assert examples.is_worth_it("request", "/a", 0, SLOW_WEIGHT + 2)


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("t=99.5", None),
        ("t=1764064799.5", 0.5),
        ("1764064799500", 0.5),
        ("t=1764064799500000", 0.5),
        ("t=1764064800.4", 0.0),
        (f"{1764064800 - MAX_SECONDS:.1f}", MAX_SECONDS),
        (f"{1764064800 - MAX_SECONDS - 0.1:.1f}", None),
        ("t=1764064801.5", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        ("9" * 500, None),
    ],
)
def test_time_in_the_queue_is_read_in_every_unit(header, waited):
    assert queue_seconds(header, 1764064800.0) == (
        None if waited is None else pytest.approx(waited)
    )


def test_a_request_counts_its_time_in_the_queue(ask):
    ask("/", HTTP_X_REQUEST_START=f"t={time.time() - 2:.3f}")
    assert 1.9 < recorded("spotter.http.server.queue.duration")[()].maximum < 30


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605 Safari/605", "none"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", "bot"),
        ("Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) Chrome/126.0 Mobile", "none"),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT) Chrome/126.0 Mobile", "none"),
        ("Focubot/1.0", "bot"),
        ("examplebot", "bot"),
        ("curl/8.5.0", "bot"),
        ("", "bot"),
    ],
)
def test_programs_are_told_from_people(agent, kind):
    assert agent_kind(agent) == kind


def test_requests_are_counted_by_who_asks(ask):
    people = "Mozilla/5.0 (Macintosh) AppleWebKit/605 Safari/605"
    for url, agent in [("/", people), ("/echo/", people), ("/", "Googlebot/2.1")]:
        ask(url, HTTP_USER_AGENT=agent)
    found = recorded("spotter.http.server.agents", "user_agent.synthetic.type")
    assert {kind: point.sum for kind, point in found.items()} == {"none": 2, "bot": 1}


def test_a_request_is_active_while_it_is_worked_on(kept):
    def active() -> float:
        read_in_flight()
        return recorded("http.server.active_requests")[()].last

    during: list[float] = []

    def view(request):
        during.append(active())
        return HttpResponse()

    SpotterMiddleware(view)(RequestFactory().get("/"))
    assert (during, active()) == ([1], 0)


def test_of_a_very_long_agent_only_the_beginning_is_remembered(ask):
    agent = "long-agent " + "x" * MAX_AGENT
    ask("/", HTTP_USER_AGENT=f"{agent}1")
    recording.flush()
    before = agent_kind.cache_info()
    ask("/", HTTP_USER_AGENT=f"{agent}2")
    recording.flush()
    after = agent_kind.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        ("user:17", "user"),
        ("views.page.abc:1", "views.page.abc"),
        ("session-9f", "session"),
        ("ann", "(none)"),
        ("9f", "(none)"),
        ("", "(none)"),
        ("user17", "user"),
        ("user17:cart", "user"),
        ("throttle_user_17", "throttle_user"),
        ("template.cache.menu.d41d8cd98f00b204", "template.cache.menu"),
        ("d41d8cd98f00b204e9800998ecf8427e", "(none)"),
        ("ab123456-0000-4000-8000-000000000000", "(none)"),
        ("kJh9sPq:1", "(none)"),
        ("jane.doe@example.com", "(none)"),
        ("jane+cart%40example.com:1", "(none)"),
        ("user:jane@example.com", "user"),
        ("a" * 60 + ":1", "(none)"),
        ("news." + "a" * 60 + ":1", "news"),
        # Django's key of a session, which may happen to end in its only digits.
        (
            "django.contrib.sessions.cache" + "tmxtergekdnwcjcjbjyekwbjfjvkrg54",
            "django.contrib.sessions",
        ),
        ("newsletter_subscribers_of_trainers12", "newsletter_subscribers_of_trainers"),
    ],
)
def test_a_key_is_known_by_its_prefix_only(key, prefix):
    assert prefix_of(key) == prefix


@pytest.mark.parametrize("engine", ["cache", "cached_db"])
def test_all_sessions_have_one_prefix_that_tells_nothing_of_them(engine):
    store = importlib.import_module(f"django.contrib.sessions.backends.{engine}")
    keys = [
        store.KEY_PREFIX + get_random_string(32, VALID_KEY_CHARS) for _ in range(300)
    ]
    (prefix,) = {prefix_of(key) for key in keys}
    assert store.KEY_PREFIX.startswith(prefix)


def test_a_very_long_key_is_not_kept_to_be_recognised():
    prefix_of("long:" + "a" * MAX_KEY + "1")
    before = prefix_of_short.cache_info()
    assert prefix_of("long:" + "a" * MAX_KEY + "2") == "long"
    assert prefix_of_short.cache_info().hits == before.hits + 1


def test_a_statement_earns_its_name_with_its_second_call():
    fingerprints = Fingerprints()
    assert [fingerprints.name("a", at_once=False) for _ in range(3)] == [
        "__other__",
        "a",
        "a",
    ]
    assert fingerprints.name("b", at_once=True) == "b"


@pytest.mark.parametrize("others", [MAX_FINGERPRINTS - 1, MAX_FINGERPRINTS])
def test_the_least_used_statement_makes_room(others):
    fingerprints = Fingerprints()
    fingerprints.name("a", at_once=True)
    for number in range(others):
        fingerprints.name(str(number), at_once=True)
    assert (fingerprints.name("a", at_once=False) == "a") is (others < MAX_FINGERPRINTS)


def test_a_broken_recorder_fails_no_request(ask, monkeypatch, caplog):
    monkeypatch.setattr(recording, "put", None)
    assert ask("/").status_code == 200
    assert "could not measure a request" in caplog.text
