"""What waits is added up by a thread that has answered, once its answer is sent."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.wsgi import WSGIHandler
from django.test import AsyncClient, Client, RequestFactory

from spotter import recording
from spotter.recording import buffer
from spotter.rescue import is_ignoring
from tests.kept import recorded

pytestmark = [
    pytest.mark.urls("tests.measured_views"),
    pytest.mark.django_db(databases=["default"]),
]
MUCH = 3


@pytest.fixture
def ask(kept, monkeypatch):
    """Ask so often that somebody, or nobody, is to add up; gives how many wait."""
    buffer._items.clear()
    monkeypatch.setattr(buffer, "RELIEVE_AT", MUCH)

    def ask(times):
        for _ in range(times):
            assert Client().get("/clients/1/").status_code == 200
        return len(buffer._items)

    return ask


@pytest.mark.parametrize(
    ("times", "waiting"), [(MUCH - 1, MUCH - 1), (MUCH, 0), (MUCH + 1, 1)]
)
def test_who_has_answered_adds_up_when_much_waits(ask, times, waiting):
    assert ask(times) == waiting
    assert recorded("http.server.request.duration")[()].count == times


def test_it_is_done_when_the_answer_is_sent_and_not_before(ask):
    ask(MUCH - 1)
    handler: Any = WSGIHandler()
    environ = RequestFactory().get("/clients/1/").environ
    response = handler(environ, lambda status, headers, exc_info=None: None)
    assert response.status_code == 200
    assert len(buffer._items) == MUCH
    response.close()
    assert len(buffer._items) == 0


def test_whoever_writes_meanwhile_holds_up_nobody(ask):
    with buffer._flusher._lock:
        assert ask(MUCH) == MUCH
    assert ask(1) == 0


def test_a_large_batch_is_left_to_the_flusher_to_write(ask, kept, monkeypatch):
    monkeypatch.setattr("spotter.recording.flusher.LARGE", 10)
    writers = []
    write = kept.write

    def watched(batch):
        writers.append(threading.current_thread().name)
        return write(batch)

    monkeypatch.setattr(kept, "write", watched)
    for number in range(40):
        recording.count("bookings.made", {"kind": number})
    ask(1)
    until = time.monotonic() + 20
    while not writers and time.monotonic() < until:
        time.sleep(0.01)
    assert set(writers) == {"spotter-flush"}


def test_of_thousands_that_wait_it_takes_a_few(ask, monkeypatch):
    # There is no thread that would take the rest while it is counted.
    monkeypatch.setattr(buffer._flusher, "is_running", True)
    for _ in range(10 * MUCH):
        recording.count("bookings.made")
        recording.put(buffer._items[-1])
    waiting = len(buffer._items)
    assert ask(1) == waiting + 1 - 2 * MUCH
    assert buffer._flusher._woken.is_set()
    buffer._flusher._woken.clear()


def test_what_fails_there_reaches_nobody(ask, monkeypatch, caplog):
    monkeypatch.setattr(buffer._flusher, "_add_up", None)
    assert ask(MUCH) == MUCH
    assert "could not add up after a response" in caplog.text
    assert not buffer._flusher._lock.locked()


def test_nothing_that_it_does_is_recorded(ask):
    seen = []

    class Item:
        def measure(self, into):
            seen.append(is_ignoring())

    recording.put(Item())
    ask(MUCH)
    assert seen == [True]


@pytest.mark.django_db(transaction=True)
def test_under_asgi_it_is_added_up_too(ask):
    ask(MUCH - 1)

    async def visit():
        response = await AsyncClient().get("/clients/1/")
        return response.status_code

    assert async_to_sync(visit)() == 200
    assert len(buffer._items) == 0
