"""How late an event loop is, and how many threads work for it."""

from __future__ import annotations

import asyncio
import os
import socket
import time

from asgiref.sync import SyncToAsync
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from spotter import recording
from spotter.rescue import rescue

#: How often the loop is asked for a sign of life.
TICK_SECONDS = 0.25


class Loop:
    """
    An event loop with a clock in it.

    A loop has no number of requests that it can work on at once, and so no share that
    is busy. What its requests feel is how much later than asked it comes round: a view
    that computes or blocks in it holds up all others for so long.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.pid = os.getpid()
        self._due: float | None = None
        self._latest = 0.0

    def start(self) -> None:
        """Begin to tick; from any thread."""
        self.loop.call_soon_threadsafe(self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        if self._due is not None:
            self._latest = max(self._latest, now - self._due)
        self._due = now + TICK_SECONDS
        self.loop.call_later(TICK_SECONDS, self._tick)

    def lag(self) -> float | None:
        """The most that it was late since the last call, or is late now; in seconds."""
        if self._due is None:
            return None
        # A loop that is blocked this very moment does not tick.
        found = max(self._latest, time.monotonic() - self._due, 0.0)
        self._latest = 0.0
        return found

    @property
    def is_over(self) -> bool:
        """Whether it will not tick any more."""
        return self.pid != os.getpid() or not self.loop.is_running()


_loop: Loop | None = None
#: Whether a request is to be asked for its loop; at the first one of a process.
unknown = True


def look(request: HttpRequest) -> None:
    """Find the loop behind the first request: it runs here, or waits for this thread."""
    global _loop, unknown
    unknown = False
    if not isinstance(request, ASGIRequest):
        return
    with rescue("find the event loop"):
        found: asyncio.AbstractEventLoop | None
        try:
            found = asyncio.get_running_loop()
        except RuntimeError:
            # asgiref keeps it for the thread that a sync middleware runs in.
            found = getattr(SyncToAsync.threadlocal, "main_event_loop", None)
        if found is not None:
            _loop = Loop(found)
            _loop.start()


def read() -> None:
    """How late the loop was, and how many threads run what is not asynchronous."""
    global _loop, unknown
    if _loop is None:
        return
    if _loop.is_over:
        _loop, unknown = None, True
        return
    labels = {"host.name": socket.gethostname(), "process.pid": os.getpid()}
    lag = _loop.lag()
    if lag is not None:
        recording.gauge("spotter.event_loop.lag", lag, labels)
    # Django takes one for each request that asks for anything synchronous.
    threads = len(SyncToAsync.context_to_thread_executor)
    recording.gauge("spotter.event_loop.threads", threads, labels)


def forget() -> None:
    """Begin anew in a child of fork()."""
    global _loop, unknown
    _loop, unknown = None, True


def install() -> None:
    """Read it like anything else of a process."""
    recording.sampler(read)
    os.register_at_fork(after_in_child=forget)
