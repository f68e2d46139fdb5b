"""A server that speaks as much of the API's contract as a simulation needs."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import json
import threading
from collections.abc import Iterator

from trainerhub.demo import faults

NUMBERS = str.maketrans("0123456789", "#" * 10)
SLOT = dt.datetime(2030, 1, 7, 9, tzinfo=dt.UTC).isoformat()
ONE = {"results": [{"id": 1, "starts_at": SLOT, "ends_at": SLOT}]}


class ContractServer(http.server.ThreadingHTTPServer):
    """Counts what it was asked; `statuses` overrides an answer by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, int]] = []
        self.ids: list[str] = []
        self.statuses: dict[str, int] = {}
        self.booked: set[str] = set()
        self.carries_out_faults = True
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(
        self, method: str, path: str, body: dict[str, str]
    ) -> tuple[int, object]:
        """Give the contract's status and body."""
        if path in self.statuses:
            return self.statuses[path], ONE
        if not path.startswith("/api/"):
            return 404, {}
        if method == "GET":
            return 200, ONE
        if path == "/api/users/login/":
            is_client = body["email"].startswith("client@")
            return (200, {"token": "t"}) if is_client else (401, {})
        if path == "/api/users/logout/":
            return 204, None
        if path == "/api/bookings/":
            return self.book(body["starts_at"]), {}
        return (200, {}) if "/bookings/" in path else (201, {"token": "t"})

    def book(self, starts_at: str) -> int:
        with self.lock:
            is_taken = starts_at in self.booked
            self.booked.add(starts_at)
        return 409 if is_taken else 201


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ContractServer

    def respond(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or "{}")
        path = self.path.partition("?")[0]
        status, document = self.server.answer(self.command, path, body)
        fault = self.headers.get(faults.HEADER, "").partition(":")[0]
        fault = fault if self.server.carries_out_faults else ""
        if fault == "error-burst":
            status = 500
        self.server.seen.append((self.command, path, status))
        self.server.ids.append(self.headers["X-Request-ID"])
        content = b"" if document is None else json.dumps(document).encode()
        if not path.startswith("/api/"):
            content = b"<h1>Not Found</h1>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if fault:
            self.send_header(faults.HEADER, fault)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = respond  # noqa: N815 (the library's names)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running_contract_server() -> Iterator[ContractServer]:
    """Serve on a free port while the block runs."""
    with ContractServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
