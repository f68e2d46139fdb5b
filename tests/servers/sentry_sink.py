"""A server that speaks Sentry's protocol strictly, and misbehaves on demand."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import http.server
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

from sentry_sdk.envelope import Envelope, Item

from tests.servers.processes import wait_until

KEY = "0123456789abcdef0123456789abcdef"
_AUTH = re.compile(r"^Sentry .*sentry_key=([0-9a-f]{32})")


@dataclasses.dataclass
class Answer:
    """What the server does with a request; `hang` holds it until `stop()`."""

    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    hang: bool = False
    reset: bool = False


class SentrySink:
    """Keeps what it was sent; refuses what is not a well-formed envelope."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.envelopes: list[Envelope] = []
        self.raw = bytearray()
        self.refused: list[str] = []
        self.requests = 0
        self.stopping = threading.Event()
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), _handler_of(self)
        )
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.dsn = f"http://{KEY}@127.0.0.1:{self.port}/7"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def items(self, kind: str) -> list[Any]:
        """The payloads of one type: "event", "transaction", "log", "check_in" …"""
        found = [item for item in self._all_items() if item.type == kind]
        return [_payload(item) for item in found]

    def wait_for(self, kind: str, count: int = 1) -> list[Any]:
        """Wait until that many have come."""
        wait_until(
            lambda: len(self.items(kind)) >= count, 20, f"{count} {kind} at the sink"
        )
        return self.items(kind)

    def lost(self) -> dict[tuple[str, str], int]:
        """What the client reports as dropped, by reason and category."""
        totals: dict[tuple[str, str], int] = {}
        for report in self.items("client_report"):
            for entry in report["discarded_events"]:
                key = (entry["reason"], entry["category"])
                totals[key] = totals.get(key, 0) + entry["quantity"]
        return totals

    def stop(self) -> None:
        """Let go of what hangs and close."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, auth: str, body: bytes) -> str:
        """Keep an envelope; say what is wrong with it, or an empty string."""
        found = _AUTH.match(auth)
        if path != "/api/7/envelope/":
            return f"no such path: {path}"
        if not found or found[1] != KEY:
            return "no valid X-Sentry-Auth"
        envelope = Envelope.deserialize(body)
        if not envelope.items:
            return "an envelope without items"
        self.raw += body + b"\n"
        self.envelopes.append(envelope)
        return ""

    def _all_items(self) -> list[Item]:
        return [item for envelope in list(self.envelopes) for item in envelope.items]


def _payload(item: Item) -> Any:
    data = item.payload.json
    if data is None:
        with contextlib.suppress(ValueError):
            return json.loads(item.get_bytes())
        return item.get_bytes()
    return data


def _handler_of(sink: SentrySink) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sink.requests += 1
            body, answer = self._body(), sink.answer
            if answer.hang:
                sink.stopping.wait()
            if answer.reset:
                self._reset()
                return
            self.send_response(
                self._judge(body) if answer.status == 200 else answer.status
            )
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def _body(self) -> bytes:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            return gzip.decompress(body) if zipped else body

        def _judge(self, body: bytes) -> int:
            auth = self.headers.get("X-Sentry-Auth", "")
            problem = sink.take(self.path, auth, body)
            if problem:
                sink.refused.append(problem)
            return 400 if problem else 200

        def _reset(self) -> None:
            # Closing with a linger of zero seconds sends RST instead of FIN.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()

        def log_message(self, *args: Any) -> None:
            """Stay silent."""

    return Handler


@contextlib.contextmanager
def sentry_sink() -> Iterator[SentrySink]:
    """Run a sink while the block runs."""
    sink = SentrySink()
    try:
        yield sink
    finally:
        sink.stop()
