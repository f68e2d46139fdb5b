"""E-mail through Django's mail API, always with a time-out."""

from __future__ import annotations

import dataclasses
import hashlib
import smtplib
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings as django_settings
from django.core import mail
from django.core.mail import EmailMessage

from spotter.channels.channel import Channel, DeliveryError
from spotter.channels.notice import Kind, Notice

TIMEOUT_SECONDS = 10
#: SMTP answers that a repetition mends: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1
TRANSIENT = range(400, 500)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Email(Channel):
    """
    Messages of one incident are one thread.

    Args:
        to: the recipients.
        sender: the From address; DEFAULT_FROM_EMAIL when empty.
        backend: a dotted path; EMAIL_BACKEND when empty.
    """

    name: str = "email"
    to: Sequence[str] = ()
    sender: str = ""
    backend: str = ""

    def send(self, notice: Notice) -> None:
        message = EmailMessage(
            subject=" ".join(notice.headline.split())[:200],
            body=notice.text(),
            from_email=self.sender or None,
            to=list(self.to),
            headers=thread(notice),
            connection=self._connection(),
        )
        try:
            accepted = message.send()
        except Exception as error:
            raise failure(error) from error
        if not accepted:
            raise DeliveryError("the mail backend accepted nothing")

    def _connection(self) -> Any:
        connection = mail.get_connection(self.backend or None)
        # Django's default is to wait for ever.
        if hasattr(connection, "timeout") and connection.timeout is None:
            connection.timeout = TIMEOUT_SECONDS
        return connection

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        return [] if self.to else ["it has no recipient: Email(to=['ops@example.com'])"]


def thread(notice: Notice) -> dict[str, str]:
    """Headers that make one thread of an incident, and stop automatic answers."""
    host = domain()
    first = f"<{notice.dedup_key}-{notice.incident}@{host}>"
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    if notice.kind is Kind.TRIGGER:
        return {**headers, "Message-ID": first}
    # The same for a message that is sent twice: mail clients then show one.
    which = f"{notice.kind}{notice.at}".encode()
    mine = hashlib.sha256(which).hexdigest()[:12]
    return {
        **headers,
        "Message-ID": f"<{notice.dedup_key}-{notice.incident}-{mine}@{host}>",
        "In-Reply-To": first,
        "References": first,
    }


def domain() -> str:
    """What Message-IDs end with."""
    sender = str(django_settings.DEFAULT_FROM_EMAIL)
    return sender.rpartition("@")[2].strip("> ") or "localhost"


def failure(error: Exception) -> DeliveryError:
    """What a mail server's refusal means."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        permanent = all(code not in TRANSIENT for code in codes)
        return DeliveryError(
            f"recipients refused: {sorted(codes)}", permanent=permanent
        )
    if isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
        # 421 and 4xx pass; a wrong password or a refused sender does not.
        return DeliveryError(f"SMTP {code}", permanent=code >= 500)
    if isinstance(error, (OSError, smtplib.SMTPException, socket.gaierror)):
        return DeliveryError(f"no answer: {type(error).__name__}")
    return DeliveryError(f"the mail backend failed: {type(error).__name__}")
