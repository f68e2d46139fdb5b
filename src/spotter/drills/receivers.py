"""Receivers on this machine, to which the real channels send what they would send."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from spotter.channels import Channel, Email, Notice, PagerDuty, Sentry
from spotter.rescue import ignore

#: How much of a message is read.
MAX_BODY_BYTES = 1024 * 1024
Show = Callable[[str, str], None]


class Receiver:
    """
    An HTTP server on loopback that takes everything and answers with `status`.

    Args:
        tls: with it, it speaks TLS.
    """

    def __init__(self, status: int = 200, tls: ssl.SSLContext | None = None) -> None:
        self.status = status
        self.taken = 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 10

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "0")
                self.rfile.read(min(int(length), MAX_BODY_BYTES))
                receiver.taken += 1
                self.send_response(receiver.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self._server.server_port)
        self.url = f"http://127.0.0.1:{self.port}/"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="spotter-receiver", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Quiet(http.server.ThreadingHTTPServer):
    """Says nothing of clients that hang up."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A probe that only shakes hands is no error."""


class Letterbox(BaseEmailBackend):
    """Makes each message as it would be sent, and keeps none."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Make them; a header that can't be is an error here too."""
        for message in email_messages:
            message.message().as_bytes()
        return len(email_messages)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Local(Channel):
    """
    Stands for a real channel: asks the same of it, and has it send to this machine.

    Args:
        real: the channel as configured, which decides.
        near: the same with an address on this machine; None when it has none.
    """

    real: Channel
    near: Channel | None
    show: Show

    def send(self, notice: Notice) -> None:
        if self.near is not None:
            with ignore():
                self.near.send(notice)
        how = "" if self.near else " (this kind of channel was not tried)"
        self.show(self.name, f"would be sent: {notice.headline}{how}")

    def why_not(self, **asked: Any) -> str:
        return self.real.why_not(**asked)


def near(channel: Channel, ok: Receiver, accepted: Receiver) -> Channel | None:
    """The same channel with an address on this machine; None when nobody knows how."""
    if isinstance(channel, Email):
        backend = f"{Letterbox.__module__}.{Letterbox.__qualname__}"
        return dataclasses.replace(channel, backend=backend)
    if isinstance(channel, PagerDuty):
        return dataclasses.replace(channel, url=accepted.url)
    if isinstance(channel, Sentry):
        dsn = f"http://drill@127.0.0.1:{ok.port}/1"
        return dataclasses.replace(channel, dsn=dsn)
    if "url" in {each.name for each in dataclasses.fields(channel)}:
        return dataclasses.replace(channel, url=ok.url)  # type: ignore[call-arg]
    return None


@contextlib.contextmanager
def local(channels: Sequence[Channel]) -> Iterator[Callable[[Show], list[Channel]]]:
    """Receivers for the channels while the block runs; gives what makes stand-ins."""
    ok, accepted = Receiver(200), Receiver(202)

    def stand_ins(show: Show) -> list[Channel]:
        return [stand_in(each, near(each, ok, accepted), show) for each in channels]

    try:
        yield stand_ins
    finally:
        ok.close()
        accepted.close()


def stand_in(real: Channel, near: Channel | None, show: Show) -> Channel:
    """One that is told what the real one is told."""
    same = {each.name: getattr(real, each.name) for each in dataclasses.fields(Channel)}
    made = Local(**same, real=real, near=near, show=show)
    object.__setattr__(made, "kinds", real.kinds)
    return made
