"""Under ASGI a request is measured as under WSGI, and its work in threads counts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test import AsyncClient, AsyncRequestFactory

from spotter import context
from spotter.middleware import SpotterMiddleware
from tests.api_lines import captured
from tests.kept import kept_store, recorded
from tests.measured_views import reached

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.measured_views"),
]


@pytest.fixture
def lines():
    with captured() as lines:
        yield lines


def get(*urls, **headers):
    """Ask for all of the URLs at once."""

    async def ask():
        client = AsyncClient(raise_request_exception=False)
        return await asyncio.gather(*(client.get(url, headers=headers) for url in urls))

    return asyncio.run(ask())


def test_an_async_request_leaves_one_line(lines):
    (response,) = get("/async/")
    assert (lines.only["route"], lines.only["status"]) == ("/async/", 200)
    assert response["X-Request-ID"] == lines.only["request_id"]


def test_a_sync_view_under_asgi_is_measured(lines):
    get("/busy/")
    assert (lines.only["db_queries"], lines.only["cache_hits"]) == (2, 1)


def test_queries_in_threads_count_for_their_request(lines):
    responses = get("/abusy/", "/busy/", "/abusy/", "/async/")
    counted = {line["request_id"]: line["db_queries"] for line in lines}
    assert [counted[each["X-Request-ID"]] for each in responses] == [2, 2, 2, 0]


def test_the_work_knows_its_own_request(lines):
    for response in get("/abusy/", "/abusy/", "/busy/"):
        assert response.content.decode() == response["X-Request-ID"]


def test_async_lookups_count(lines):
    get("/abusy/")
    assert lines.only["cache_misses"] == 2


@pytest.mark.parametrize("url", ["/afail/", "/fail/"])
def test_an_exception_is_named(lines, url):
    get(url)
    assert (lines.only["status"], lines.only["exception"]) == (500, "LookupError")


def test_a_404_is_measured(lines):
    get("/nope")
    assert (lines.only["status"], lines.only["route"]) == (404, "__unmatched__")


def test_the_line_of_django_about_a_404_comes_before_the_end_of_the_request(lines):
    with captured("django.request") as refusals:
        get("/nope")
    assert refusals.only["status_code"] == 404


def test_the_line_of_an_async_stream_is_written_when_it_ends(lines):
    async def ask():
        response = await AsyncClient().get("/astream/")
        assert lines == []
        parts: Any = response
        body = b"".join([part async for part in parts.streaming_content])
        return response["X-Request-ID"], body.decode()

    request_id, body = asyncio.run(ask())
    assert body == request_id + "end"
    assert lines.only["response_bytes"] == len(body)
    assert lines.only["db_queries"] == 1


@pytest.fixture
def store(settings, tmp_path):
    yield from kept_store(settings, tmp_path)


def leave(url):
    """Hang up when the view waits for what never comes."""

    async def ask():
        reached[:] = [asyncio.Event()]
        scope = AsyncRequestFactory().get(url).scope
        server = ApplicationCommunicator(ASGIHandler(), scope)
        await server.send_input({"type": "http.request", "body": b""})
        await asyncio.wait_for(reached[0].wait(), 5)
        await server.send_input({"type": "http.disconnect"})
        await server.wait(5)

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("url", "status", "sent"), [("/never/", 499, 0), ("/endless-stream/", 200, 3)]
)
def test_a_client_that_leaves_is_noted_and_nothing_failed(
    lines, store, url, status, sent
):
    leave(url)
    assert (lines.only["status"], lines.only["disconnected"]) == (status, True)
    assert lines.only["response_bytes"] == sent
    assert "exception" not in lines.only
    found = recorded("spotter.http.server.disconnects", "http.route")
    assert {route: point.sum for route, point in found.items()} == {url: 1}
    assert recorded("spotter.http.server.exceptions") == {}


def test_a_worker_that_is_stopped_in_a_request_is_no_client_that_left(lines, store):
    async def stopped(request):
        raise SystemExit(1)

    async def ask():
        work: Any = SpotterMiddleware(stopped)(AsyncRequestFactory().get("/"))
        with pytest.raises(SystemExit):
            await work

    asyncio.run(ask())
    assert (lines.only["status"], lines.only["exception"]) == (500, "SystemExit")
    assert "disconnected" not in lines.only
    assert recorded("spotter.http.server.disconnects") == {}


def test_a_probe_leaves_no_line(lines, monkeypatch):
    async def answer(request):
        return HttpResponse(b"alive")

    monkeypatch.setattr("spotter.health.probes.aanswer", answer)
    assert get("/live/")[0].content == b"alive"
    assert lines == []


def test_an_error_of_ours_does_not_reach_the_host(monkeypatch, caplog):
    def fail(*args, **kwargs):
        raise RuntimeError("ours")

    monkeypatch.setattr("spotter.recorders.api_log.write", fail)
    assert get("/async/")[0].status_code == 200
    assert "spotter could not" in caplog.text


def test_nothing_is_left_in_the_context():
    async def ask():
        await AsyncClient().get("/async/")
        return context.current()

    assert asyncio.run(ask()) is None
