"""An HTTP server of the tests' own, which answers in the form of somebody's API."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """One request that came in; `form` has the fields of its body."""

    method: str
    path: str
    form: dict[str, str]
    headers: dict[str, str]


@dataclass(slots=True)
class ApiServer:
    """Keeps what it received; `answer` says what to reply, None hangs until the end."""

    answer: Callable[[Received], tuple[int, Any] | None]
    received: list[Received] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reply(self, status: int, body: Any) -> None:
        """From now on answer everything with this."""
        self.answer = lambda request: (status, body)

    def hang(self) -> None:
        """From now on take requests and never answer."""
        self.answer = lambda request: None


@contextlib.contextmanager
def serving(
    answer: Callable[[Received], tuple[int, Any] | None],
) -> Iterator[ApiServer]:
    """Run the server while the block runs."""
    api = ApiServer(answer)
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(api))
    api.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield api
    finally:
        api.is_over.set()
        http.shutdown()
        http.server_close()
        thread.join()


def handler_for(api: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length).decode()
            request = Received(
                method=self.command,
                path=self.path,
                form=dict(urllib.parse.parse_qsl(body)),
                headers=dict(self.headers.items()),
            )
            api.received.append(request)
            answer = api.answer(request)
            if answer is None:
                api.is_over.wait(30)
                return
            self.say(*answer)

        def do_GET(self) -> None:
            self.do_POST()

        def say(self, status: int, body: Any) -> None:
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
            with contextlib.suppress(OSError):  # the client may have given up
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

        def log_message(self, *args: Any) -> None:
            """Keep quiet."""

    return Handler
