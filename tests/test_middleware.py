"""Every request is measured and leaves one line, whatever happens to it."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpResponse, HttpResponseRedirect
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext

from spotter import context
from spotter.logs.formats import Text
from spotter.middleware import SpotterMiddleware
from spotter.recorders.api_log import UNMATCHED, clean_path
from spotter.recorders.requests import in_flight
from tests.api_lines import captured
from tests.kept import kept_store, recorded

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("tests.measured_views"),
]


@pytest.fixture
def lines():
    with captured() as lines:
        yield lines


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


def test_a_request_leaves_one_line(client, lines):
    response = client.post("/echo/", b"x" * 12, content_type="text/plain")
    told = {
        name: lines.only[name]
        for name in ("method", "route", "path", "status", "request_bytes")
    }
    assert told == {
        "method": "POST",
        "route": "/echo/",
        "path": "/echo/",
        "status": 201,
        "request_bytes": 12,
    }
    assert lines.only["response_bytes"] == len(response.content) == 12
    assert lines.only["duration_ms"] > 0


def test_the_line_reads_as_a_sentence(client, caplog):
    caplog.set_level("INFO", "spotter.api")
    client.get("/")
    assert "GET / 200" in caplog.messages


def test_the_route_is_the_pattern_and_not_the_path(client, lines):
    client.get("/clients/5/")
    assert lines.only["route"] == "/clients/<int:pk>/"
    assert lines.only["path"] == "/clients/5/"


def test_what_matches_nothing_has_one_route(client, lines):
    client.get("/wp-admin.php")
    client.get("/.env")
    assert {line["route"] for line in lines} == {"__unmatched__"}
    assert {line["status"] for line in lines} == {404}


def test_a_404_of_a_view_keeps_its_route(client, lines):
    client.get("/missing/5/")
    assert (lines.only["route"], lines.only["status"]) == ("/missing/<int:pk>/", 404)


def test_the_query_string_is_in_no_line(client, lines):
    client.get("/?token=secret")
    assert "secret" not in str(lines.only)


def test_the_path_is_scrubbed(client, lines, monkeypatch):
    monkeypatch.setattr("spotter.privacy.scrub_text", lambda text: "[scrubbed]")
    client.get("/ann@example.com/")
    assert lines.only["path"] == "[scrubbed]"


def test_a_secret_in_the_path_is_in_no_line(client, lines):
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(Text())
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        client.get("/reset/c9q-31f7/")
    finally:
        logger.removeHandler(handler)
    assert lines.only["path"] == "/reset/[Filtered]/"
    shown = handler.stream.getvalue()
    assert "Internal Server Error: /reset/[Filtered]/" in shown
    assert "no such token as [Filtered]" in shown
    assert "c9q" not in shown


def test_a_path_that_was_seen_before_its_pattern_was_known_is_filtered(client, lines):
    assert clean_path("/reset/c9q-77aa/") == "/reset/c9q-77aa/"
    client.get("/reset/c9q-77aa/")
    assert lines.only["path"] == "/reset/[Filtered]/"


@pytest.mark.parametrize(
    ("path", "secure"),
    [("/reset/c9q-31f8/", True), ("/reset/c9q-31f8", False)],
)
def test_a_secret_in_a_path_that_is_sent_elsewhere_is_in_no_line(
    client, lines, settings, path, secure
):
    settings.SECURE_SSL_REDIRECT = secure
    assert client.get(path).status_code == 301
    assert lines.only["path"] == f"/reset/[Filtered]{path[15:]}"
    assert lines.only["route"] == "__unmatched__"


def test_a_path_that_leads_nowhere_is_logged_as_it_is(client, lines):
    assert client.get("/nowhere/at-all-2/").status_code == 404
    assert lines.only["path"] == "/nowhere/at-all-2/"


def test_a_method_that_nobody_knows_is_one_value(client, lines):
    client.generic("BREW", "/")
    assert lines.only["method"] == "_OTHER"


@pytest.mark.parametrize(("method", "sent"), [("GET", 4), ("HEAD", 0)])
def test_the_body_of_an_answer_to_head_is_not_sent(client, lines, method, sent):
    client.generic(method, "/who/")
    assert (lines.only["method"], lines.only["response_bytes"]) == (method, sent)


@pytest.mark.parametrize(
    ("header", "size"),
    [("12", 12), ("9" * 15, 10**15 - 1), ("9" * 400, 0), ("9" * 5000, 0), ("-1", 0)],
)
def test_a_length_that_cannot_be_is_none(lines, header, size):
    request = RequestFactory().get("/", CONTENT_LENGTH=header)
    SpotterMiddleware(lambda request: HttpResponse())(request)
    assert lines.only["request_bytes"] == size


class Unreadable(HttpResponse):
    """Has no body that anybody could take the length of."""

    @property
    def content(self):
        raise LookupError("not rendered")

    @content.setter
    def content(self, value):
        """Made of nothing."""


def test_a_response_that_cannot_be_read_is_given_and_forgotten(lines, caplog):
    response = SpotterMiddleware(lambda request: Unreadable())(
        RequestFactory().get("/")
    )
    assert isinstance(response, Unreadable)
    assert "could not measure a request" in caplog.text
    assert in_flight == {}


def test_queries_and_lookups_are_counted(client, lines):
    client.get("/busy/")
    line = lines.only
    assert (line["db_queries"], line["cache_hits"], line["cache_misses"]) == (2, 1, 1)
    assert 0 < line["db_ms"] < line["duration_ms"]


def test_requests_do_not_add_up(client, lines):
    client.get("/busy/")
    client.get("/busy/")
    assert [line["db_queries"] for line in lines] == [2, 2]


def test_the_response_and_the_work_have_the_id_of_the_line(client, lines):
    response = client.get("/busy/")
    request_id = lines.only["request_id"]
    assert response["X-Request-ID"] == response.content.decode() == request_id


def test_the_id_of_the_request_is_kept(client, lines):
    response = client.get("/", headers={"x-request-id": "from-nginx"})
    assert response["X-Request-ID"] == lines.only["request_id"] == "from-nginx"


def test_a_trace_is_carried_on(client, lines):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    client.get("/", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert lines.only["trace_id"] == trace


def test_nothing_is_left_in_the_context(client):
    client.get("/")
    client.get("/fail/")
    assert context.current() is None


def test_an_exception_in_a_view_is_named(client, lines):
    response = client.get("/fail/")
    assert response.status_code == lines.only["status"] == 500
    assert lines.only["exception"] == "LookupError"


@pytest.mark.parametrize(
    ("url", "level"), [("/", "INFO"), ("/nope", "INFO"), ("/fail/", "WARNING")]
)
def test_the_level_tells_a_failure_from_the_rest(client, lines, url, level):
    client.get(url)
    assert lines.only["levelname"] == level


def refuse(get_response):
    return lambda request: HttpResponseRedirect("/elsewhere/")


def break_down(get_response):
    def middleware(request):
        raise ValueError("broken")

    return middleware


SPOTTER = "spotter.middleware.SpotterMiddleware"


@override_settings(MIDDLEWARE=[SPOTTER, f"{__name__}.refuse"])
def test_what_a_middleware_answers_is_measured(client, lines):
    client.get("/clients/5/")
    assert (lines.only["status"], lines.only["route"]) == (302, "__unmatched__")


@override_settings(MIDDLEWARE=[SPOTTER, f"{__name__}.break_down"])
def test_a_middleware_that_breaks_is_measured(client, lines):
    client.get("/")
    assert (lines.only["status"], lines.only["exception"]) == (500, "ValueError")


@override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True)
def test_an_exception_that_goes_through_is_measured_and_goes_on(lines):
    with pytest.raises(LookupError, match="no such trainer"):
        Client().get("/fail/")
    assert (lines.only["status"], lines.only["exception"]) == (500, "LookupError")
    assert context.current() is None


@override_settings(MIDDLEWARE=[SPOTTER, SPOTTER])
def test_a_middleware_listed_twice_measures_once(client, lines):
    client.get("/")
    assert lines.only["status"] == 200


def test_a_probe_leaves_no_line(client, lines, monkeypatch):
    answer = HttpResponse(b"alive")
    monkeypatch.setattr("spotter.health.probes.answer", lambda request: answer)
    assert client.get("/live/").content == b"alive"
    assert lines == []


def test_the_line_of_django_about_a_404_has_the_request_id(client, monkeypatch):
    ids: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record):
            request = context.current()
            ids.append(request.request_id if request else "")

    handler = Handler()
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    response = client.get("/nope")
    logger.removeHandler(handler)
    assert ids == [response["X-Request-ID"]]


def test_a_user_who_is_known_is_named_by_id(client, lines):
    ann = User.objects.create(username="ann", email="ann@example.com")
    client.force_login(ann)
    client.get("/who/")
    assert lines.only["user_id"] == str(ann.pk)
    assert "ann" not in str(lines.only)


def test_who_the_user_is_is_never_looked_up(client, lines):
    client.force_login(User.objects.create(username="ann"))
    with CaptureQueriesContext(connection) as queries:
        client.get("/")
    assert len(queries) == 0
    assert "user_id" not in lines.only


def test_a_user_who_was_set_in_the_view_is_named(lines):
    def view(request):
        request.user = User(pk=5)  # as Django REST framework does
        return HttpResponse(b"")

    SpotterMiddleware(view)(RequestFactory().get("/"))
    assert lines.only["user_id"] == "5"


@pytest.mark.parametrize("key", [None, "ann@example.com", "a b", "x" * 65])
def test_a_key_that_is_no_id_is_left_out(lines, key):
    def view(request):
        request.user = type("Person", (), {"pk": key})()
        return HttpResponse(b"")

    SpotterMiddleware(view)(RequestFactory().get("/"))
    assert "user_id" not in lines.only


@pytest.fixture
def store(settings, tmp_path):
    yield from kept_store(settings, tmp_path)


class Broken:
    """A user of the project's own who will not say who it is."""

    @property
    def pk(self):
        raise LookupError("no such user")


def test_a_user_whose_key_raises_loses_no_request(lines, store, caplog):
    def view(request):
        request.user = Broken()
        logging.getLogger("trainerhub").warning("at work")
        return HttpResponse(b"done", status=201)

    response: Any = SpotterMiddleware(view)(RequestFactory().get("/"))
    assert response.content == b"done"
    assert lines.only["status"] == 201
    assert "user_id" not in lines.only
    (status,) = recorded("http.server.request.duration", "http.response.status_code")
    assert status == "201"
    assert in_flight == {}


def test_a_match_that_is_none_loses_no_request(lines, store, caplog):
    def view(request):
        request.resolver_match = object()
        return HttpResponse(b"done")

    SpotterMiddleware(view)(RequestFactory().get("/reset/c9q-31f7/"))
    assert lines.only["status"] == 200
    assert (lines.only["route"], lines.only["path"]) == (UNMATCHED, "/[Filtered]")
    assert recorded("http.server.request.duration")[()].count == 1
    assert "spotter could not tell whose request it was" in caplog.text


def test_a_view_may_take_everything_away(client, lines):
    response = client.get("/deface/")
    assert response.status_code == lines.only["status"] == 200
    assert response["X-Request-ID"] == lines.only["request_id"]
    assert (lines.only["method"], lines.only["path"]) == ("GET", "/deface/")


@pytest.mark.parametrize(
    "broken",
    [
        "spotter.recorders.requests.identify",
        "spotter.recorders.api_log.write",
        "spotter.recorders.requests.log_response",
    ],
)
def test_an_error_of_ours_does_not_reach_the_host(client, monkeypatch, caplog, broken):
    def fail(*args, **kwargs):
        raise RuntimeError("ours")

    monkeypatch.setattr(broken, fail)
    assert client.get("/").content == b""
    assert client.get("/nope").status_code == 404
    assert "spotter could not" in caplog.text
    assert context.current() is None


def test_nothing_is_built_when_nobody_wants_the_line(client, monkeypatch):
    logging.getLogger("spotter.api").setLevel("ERROR")
    monkeypatch.setattr("spotter.recorders.api_log.clean_path", None)
    assert client.get("/").status_code == 200
    logging.getLogger("spotter.api").setLevel("NOTSET")


def test_the_line_of_a_stream_is_written_when_it_ends(client, lines):
    response = client.get("/stream/")
    assert lines == []
    body = b"".join(response.streaming_content)
    assert body.decode() == response["X-Request-ID"] + "é"
    assert lines.only["response_bytes"] == len(body)


def test_a_stream_counts_what_it_asks_for(client, lines):
    b"".join(client.get("/stream/").streaming_content)
    assert lines.only["db_queries"] == 1
    assert context.current() is None


def test_a_client_that_leaves_a_stream_is_noted(client, lines):
    response = client.get("/stream/")
    next(iter(response.streaming_content))
    response.close()
    assert lines.only["disconnected"] is True
    assert lines.only["response_bytes"] == 32


def test_a_stream_that_breaks_off_is_told_with_its_exception(client, lines):
    response = client.get("/torn-stream/")
    with pytest.raises(LookupError, match="no more"):
        list(response.streaming_content)
    response.close()
    assert lines.only["exception"] == "LookupError"
    assert lines.only["response_bytes"] == 3
    assert "disconnected" not in lines.only


def test_a_stream_that_ends_and_is_closed_leaves_one_line(client, lines):
    response = client.get("/stream/")
    list(response.streaming_content)
    response.close()
    assert "disconnected" not in lines.only


class FileWrapper:
    """What a server offers so that the kernel copies the file."""

    def __init__(self, file, size):
        self.file = file


def test_a_file_is_still_handed_to_the_server(lines):
    environ = RequestFactory().get("/file/").environ | {
        "wsgi.file_wrapper": FileWrapper
    }
    handler: Any = WSGIHandler()
    answer = handler(environ, lambda status, headers: None)
    assert isinstance(answer, FileWrapper)
    assert len(answer.file.read()) == 5000
    answer.file.close()
    assert lines.only["response_bytes"] == 5000
