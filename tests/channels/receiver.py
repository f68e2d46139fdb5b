"""A receiver that answers as it is told, and keeps what it was sent."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any


class Receiver:
    """
    Answers each POST with the next of `script`, and with `usual` when that is empty.

    An answer is (status, headers, body); "cut" takes the message and hangs up.
    """

    def __init__(
        self, usual: tuple[int, Mapping[str, str], str] = (200, {}, "ok")
    ) -> None:
        self.usual = usual
        self.script: list[Any] = []
        self.bodies: list[Any] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""


@contextlib.contextmanager
def receiving(**options: Any) -> Iterator[Receiver]:
    """Listen on a free port while the block runs."""
    receiver = Receiver(**options)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.raw.append(data)
            receiver.bodies.append(json.loads(data))
            receiver.headers.append(dict(self.headers))
            answer = receiver.script.pop(0) if receiver.script else receiver.usual
            if answer == "cut":
                self.connection.close()
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook/secret-path"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
