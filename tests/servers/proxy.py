"""A TCP proxy that can hang, slow down, cut and refuse, to stand before a server."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator


class FaultProxy:
    """
    Forwards to a port until told to misbehave; a change holds for open connections.

    `fault` is None, "hang" (accept, read, never answer), "slow" (wait `delay` seconds
    before each answer), "reset" (accept and close at once) or "down" (refuse).
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.fault: str | None = None
        self.delay = 0.0
        self.accepted = 0
        self._open: set[socket.socket] = set()
        self._listener = self._listen(0)
        self.port = int(self._listener.getsockname()[1])
        self._stopped = False

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), backlog=512)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def misbehave(self, fault: str | None, delay: float = 0.0) -> None:
        """Change the fault; "down" also cuts what is open."""
        was, self.fault, self.delay = self.fault, fault, delay
        if fault == "down" and was != "down":
            # shutdown() wakes the thread in accept(), close() alone does not.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        if fault in ("down", "reset"):
            self._close_all()
        if was == "down" and fault != "down":
            self._listener = self._listen(self.port)

    def stop(self) -> None:
        """Close everything."""
        self._stopped = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._close_all()

    def _close_all(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            self._open.discard(connection)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            if self.fault == "reset":
                client.close()
                continue
            self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port), 5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        self._open.add(server)
        threading.Thread(
            target=self._pump, args=(client, server, False), daemon=True
        ).start()
        self._pump(server, client, True)

    def _pump(self, source: socket.socket, sink: socket.socket, answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while self.fault == "hang" and not self._stopped:
                    time.sleep(0.02)
                if answer and self.fault == "slow":
                    time.sleep(self.delay)
                sink.sendall(data)
        for connection in (source, sink):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            self._open.discard(connection)


@contextlib.contextmanager
def fault_proxy(target_port: int) -> Iterator[FaultProxy]:
    """Stand before a server while the block runs."""
    proxy = FaultProxy(target_port)
    try:
        yield proxy
    finally:
        proxy.stop()
