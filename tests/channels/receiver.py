"""A receiver that answers as it is told, and keeps what it was sent."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import pathlib
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Answer = tuple[int, Mapping[str, str], str]


class Receiver:
    """
    Answers each POST with the next of `script`, and with `usual` when that is empty.

    An answer is (status, headers, body), or a misbehaviour: "cut" takes the message and
    hangs up, "hang" takes it and says nothing, "hang in body" says 200 and no more.

    Args:
        judge: makes the answer to a body instead.
    """

    def __init__(
        self,
        usual: Answer | str = (200, {}, "ok"),
        judge: Callable[[Any], Answer] | None = None,
    ) -> None:
        self.usual = usual
        self.judge = judge
        self.script: list[Any] = []
        self.bodies: list[Any] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self.port = 0
        self.over = threading.Event()

    def take(self, data: bytes, headers: dict[str, str]) -> Any:
        """Keep a message and give the answer to it."""
        try:
            body = json.loads(data)
        except ValueError:
            body = data
        self.raw.append(data)
        self.bodies.append(body)
        self.headers.append(headers)
        if self.script:
            return self.script.pop(0)
        return self.usual if self.judge is None else self.judge(body)


@contextlib.contextmanager
def receiving(*, tls: bool = False, **options: Any) -> Iterator[Receiver]:
    """Listen on a free port while the block runs; with `tls`, under a certificate of nobody's."""
    receiver = Receiver(**options)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(receiver))
    server.daemon_threads, server.block_on_close = True, False
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate())
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.port = server.server_port
    receiver.url = (
        f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/hook/secret-path"
    )
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def handler_of(receiver: Receiver) -> type[http.server.BaseHTTPRequestHandler]:
    """What serves one connection."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            data = self.rfile.read(length)
            if len(data) < length:
                return  # Whoever sent it died in the middle.
            answer = receiver.take(data, dict(self.headers))
            if answer == "hang":
                receiver.over.wait()
            if answer in ("cut", "hang"):
                self.connection.close()
            elif answer == "hang in body":
                self._say(200, {}, 1000)
                receiver.over.wait()
            else:
                status, headers, body = answer
                self._say(status, headers, len(body.encode()))
                self.wfile.write(body.encode())

        def _say(self, status: int, headers: Mapping[str, str], length: int) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # it hangs up on us, or shakes no hand
                super().handle()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    return Handler


@functools.cache
def certificate() -> pathlib.Path:
    """A self-signed certificate and its key in one file, as nobody trusts it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="spotter-tls-"))
    path = folder / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *(
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
            ),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    parts = [(folder / name).read_text() for name in ("cert.pem", "key.pem")]
    path.write_text("".join(parts))
    return path
