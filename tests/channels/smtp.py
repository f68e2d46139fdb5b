"""An SMTP server that misbehaves at the step it is told to, with each reply in hand."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

#: Steps in the order in which a client takes them.
STEPS = ("connect", "MAIL", "RCPT", "DATA", "message")
REPLIES = {
    "connect": "220 ready", "EHLO": "250 ok", "MAIL": "250 ok", "RCPT": "250 ok",
    "DATA": "354 go on", "message": "250 taken", "RSET": "250 ok", "QUIT": "221 bye",
}  # fmt: skip


class MailServer:
    """
    Replies of its own at some steps; "hang" says nothing, "cut" hangs up.

    Args:
        refused: recipients that get the reply for RCPT; all when empty.
    """

    def __init__(self) -> None:
        self.replies: dict[str, str] = {}
        self.refused: set[str] = set()
        #: Recipients of each message that was taken, and its text.
        self.taken: list[tuple[list[str], str]] = []
        self.sessions = 0
        self.port = 0
        self.over = threading.Event()

    def reply(self, step: str, line: str) -> str:
        """What is said at a step."""
        is_spared = (
            step == "RCPT" and self.refused and not any(r in line for r in self.refused)
        )
        return REPLIES.get(step, "500 what?") if is_spared else self.replies.get(
            step, REPLIES.get(step, "500 what?")
        )  # fmt: skip


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    server: Listener

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.server.mail.sessions += 1
            self.recipients: list[str] = []
            if self._say("connect", ""):
                while (line := self.rfile.readline().decode()) and self._obey(
                    line.strip()
                ):
                    pass

    def _obey(self, line: str) -> bool:
        """Follow a command; False ends the session."""
        step = line[:4].upper()
        goes_on = self._say(step, line)
        if step == "RCPT" and self._reply.startswith("250"):
            self.recipients.append(line.partition("<")[2].rstrip(">"))
        if step == "DATA" and self._reply.startswith("354"):
            text = self._message()
            goes_on = self._say("message", line)
            if self._reply.startswith(("250", "cut", "hang")):
                self.server.mail.taken.append((self.recipients, text))
                self.recipients = []
        return goes_on and step != "QUIT"

    def _message(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) not in (".\r\n", ""):
            lines.append(line)
        return "".join(lines)

    def _say(self, step: str, line: str) -> bool:
        self._reply = self.server.mail.reply(step, line)
        if self._reply == "hang":
            self.server.mail.over.wait()
        if self._reply in ("cut", "hang"):
            return False
        self.wfile.write(f"{self._reply}\r\n".encode())
        return True


class Listener(socketserver.ThreadingTCPServer):
    """Listens on a free port."""

    daemon_threads, block_on_close = True, False
    address_family = socket.AF_INET

    def __init__(self, mail: MailServer) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.mail = mail


@contextlib.contextmanager
def mail_server() -> Iterator[MailServer]:
    """Listen while the block runs."""
    mail = MailServer()
    listener = Listener(mail)
    mail.port = listener.server_address[1]
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield mail
    finally:
        mail.over.set()
        listener.shutdown()
        listener.server_close()
        thread.join()
