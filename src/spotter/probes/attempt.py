"""One attempt at something that may hang: given up, and cut off, after its time."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable

from spotter.rescue import ignore

#: Attempts that have not ended, by who makes them: never more than one each.
_running: dict[int, Attempt] = {}


class Attempt(threading.Thread):
    """
    A thread of its own, since neither a look-up of a name nor a server that sends a
    byte now and then can be given a time limit otherwise.
    """

    def __init__(self, work: Callable[[], float | None]) -> None:
        super().__init__(name="spotter-probe", daemon=True)
        self._work = work
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self.result: float | None = None
        self.error: Exception | None = None
        self.expires_at: float | None = None
        self.is_over = self.is_cut = False

    def run(self) -> None:
        with ignore():
            try:
                self.result = self._work()
            except Exception as error:  # noqa: BLE001 (whatever it is, the probe failed)
                self.error = error
        self.is_over = True
        with self._lock:
            for each in self._sockets:
                each.close()
            self._sockets.clear()

    def guard(self, connection: socket.socket) -> None:
        """Remember a connection, to cut it off when the time is over."""
        # A copy of the handle: TLS takes the socket itself over.
        copy = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._sockets.append(copy)
            if self.is_cut:
                shut(copy)

    def cut(self) -> None:
        """End what it waits for."""
        with self._lock:
            self.is_cut = True
            for each in self._sockets:
                shut(each)


def shut(connection: socket.socket) -> None:
    """Wake whoever reads or writes."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def attempt(who: int, seconds: float, work: Callable[[], float | None]) -> Attempt:
    """Try for so long; with the last try of the same still stuck, wait for that one."""
    running = _running.get(who)
    if running is None or not running.is_alive():
        running = _running[who] = Attempt(work)
        running.start()
    running.join(seconds)
    if running.is_alive():
        running.cut()
    else:
        _running.pop(who, None)
    return running


def guard(connection: socket.socket) -> None:
    """Let the attempt that this thread makes cut a connection off."""
    thread = threading.current_thread()
    if isinstance(thread, Attempt):
        thread.guard(connection)


def note_expiry(at: float | None) -> None:
    """Remember when a certificate expires, whatever becomes of the request."""
    thread = threading.current_thread()
    if isinstance(thread, Attempt) and at is not None:
        thread.expires_at = min(at, thread.expires_at or at)
