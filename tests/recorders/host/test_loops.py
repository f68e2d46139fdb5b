"""An event loop that is held up says for how long, even while it is."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncRequestFactory, RequestFactory

from spotter.recorders.host import loops
from spotter.recorders.host.loops import Loop
from tests.kept import recorded
from tests.servers.processes import wait_until


@pytest.fixture
def running():
    """A loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(autouse=True)
def fresh():
    loops.forget()
    yield
    loops.forget()


def test_a_loop_that_was_held_up_tells_for_how_long(running):
    watched = Loop(running)
    assert watched.lag() is None
    watched.start()
    wait_until(lambda: watched.lag() is not None, 5, "a first tick")
    running.call_soon_threadsafe(time.sleep, 0.6)
    # In the middle of it, and after it.
    wait_until(lambda: (watched.lag() or 0) > 0.1, 5, "a lag while it lasts")
    wait_until(lambda: (watched.lag() or 0) < 0.1, 20, "its end")


def test_a_loop_that_has_stopped_is_not_late_but_over(running):
    watched = Loop(running)
    assert not watched.is_over
    running.call_soon_threadsafe(running.stop)
    wait_until(lambda: watched.is_over, 5, "its end")


def test_the_loop_of_an_asgi_request_is_read(kept, running):
    async def serve() -> None:
        loops.look(AsyncRequestFactory().get("/"))

    asyncio.run_coroutine_threadsafe(serve(), running).result(5)
    assert not loops.unknown

    def is_read() -> bool:
        loops.read()
        return bool(recorded("spotter.event_loop.lag", "process.pid"))

    wait_until(is_read, 5, "a reading")
    assert recorded("spotter.event_loop.threads")[()].last == 0


def test_behind_a_middleware_that_is_not_asynchronous_the_loop_is_found(kept, running):
    request = AsyncRequestFactory().get("/")
    waiting = sync_to_async(loops.look)(request)
    asyncio.run_coroutine_threadsafe(waiting, running).result(5)
    assert loops._loop is not None
    assert loops._loop.loop is running


def test_after_the_loops_end_the_next_request_is_asked(kept):
    async def serve() -> None:
        loops.look(AsyncRequestFactory().get("/"))

    asyncio.run(serve())
    loops.read()
    assert loops.unknown
    assert recorded("spotter.event_loop.lag") == {}


def test_a_request_of_wsgi_has_no_loop(kept):
    loops.look(RequestFactory().get("/"))
    loops.read()
    assert not loops.unknown
    assert recorded("spotter.event_loop.lag") == {}
