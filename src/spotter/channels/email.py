"""E-mail through Django's mail API, always with a time-out."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import smtplib
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings as django_settings
from django.core import mail
from django.core.mail import EmailMessage

from spotter.channels import http
from spotter.channels.channel import (
    Channel,
    DeliveryError,
    fingerprint_of,
    secret_id,
    send_to_each,
)
from spotter.channels.notice import Kind, Notice

#: For each step of the exchange; Django's default is to wait for ever.
TIMEOUT_SECONDS = 10
#: SMTP answers that a repetition mends: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1
TRANSIENT = range(400, 500)
SUBJECT = 200


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Email(Channel):
    """
    Messages of one incident are one thread; everybody gets a copy of their own.

    What is more than ten in ten minutes comes as a digest.

    Args:
        to: the recipients. Django says nothing of one refused among several, so that
            each is sent a message, and none sees the others.
        sender: the From address; DEFAULT_FROM_EMAIL when empty.
        backend: a dotted path; EMAIL_BACKEND when empty.
    """

    name: str = "email"
    to: Sequence[str] = ()
    sender: str = ""
    backend: str = ""
    rate: tuple[int, float] = (10, 600.0)
    digests = True

    def send(self, notice: Notice) -> None:
        send_to_each(self.to, notice.told, functools.partial(self._send, [notice]))

    def send_digest(self, notices: Sequence[Notice]) -> None:
        told = set(notices[0].told).intersection(*(each.told for each in notices))
        send_to_each(self.to, sorted(told), functools.partial(self._send, notices))

    def _send(self, notices: Sequence[Notice], to: str) -> None:
        new = [each for each in notices if secret_id(to) not in each.told]
        subject, body, headers = (single if len(new) == 1 else digest)(new)
        connection = self._connection()
        message = EmailMessage(
            subject=" ".join(subject.split())[:SUBJECT],
            body=body,
            from_email=self.sender or None,
            to=[to],
            headers=headers,
            connection=connection,
        )
        try:
            accepted = message.send()
        except Exception as error:
            # Django leaves it open when the log-in is refused.
            with contextlib.suppress(OSError):
                connection.close()
            raise failure(error) from error
        if not accepted:
            raise DeliveryError("the mail backend accepted nothing")

    def _connection(self) -> Any:
        connection = mail.get_connection(self.backend or None)
        if hasattr(connection, "timeout"):
            given = connection.timeout or TIMEOUT_SECONDS
            connection.timeout = min(given, TIMEOUT_SECONDS)
        return connection

    @property
    def fingerprint(self) -> str:
        names = (
            "EMAIL_BACKEND",
            "EMAIL_HOST",
            "EMAIL_HOST_USER",
            "EMAIL_HOST_PASSWORD",
        )
        return fingerprint_of(
            self, *(str(getattr(django_settings, name, "")) for name in names)
        )

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        return [] if self.to else ["it has no recipient: Email(to=['ops@example.com'])"]


def single(notices: Sequence[Notice]) -> tuple[str, str, dict[str, str]]:
    """Subject, text and headers of one notice."""
    return notices[0].headline, notices[0].text(), thread(notices[0])


def digest(notices: Sequence[Notice]) -> tuple[str, str, dict[str, str]]:
    """Subject, text and headers of several."""
    incidents = {each.incident for each in notices}
    count = f"{len(notices)} messages of {len(incidents)} incidents"
    subject = f"{count} — {notices[-1].service} ({notices[-1].environment})"
    parts = [
        f"{count}, together because they are more than ten in ten minutes.",
        *(each.brief() for each in notices),
    ]
    which = "\0".join(f"{each.incident}{each.kind}{each.at}" for each in notices)
    mine = hashlib.sha256(which.encode()).hexdigest()[:24]
    headers = {**AUTOMATIC, "Message-ID": f"<spotter-{mine}@{domain()}>"}
    return subject, "\n\n".join(parts), headers


#: Out-of-office answers to a monitor help nobody: RFC 3834.
AUTOMATIC = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def thread(notice: Notice) -> dict[str, str]:
    """Headers that make one thread of an incident, and stop automatic answers."""
    host = domain()
    first = f"<{notice.dedup_key}-{notice.incident}@{host}>"
    if notice.kind is Kind.TRIGGER:
        return {**AUTOMATIC, "Message-ID": first}
    # The same for a message that is sent twice: mail clients then show one.
    which = f"{notice.kind}{notice.at}".encode()
    mine = hashlib.sha256(which).hexdigest()[:12]
    return {
        **AUTOMATIC,
        "Message-ID": f"<{notice.dedup_key}-{notice.incident}-{mine}@{host}>",
        "In-Reply-To": first,
        "References": first,
    }


def domain() -> str:
    """What Message-IDs end with."""
    sender = str(django_settings.DEFAULT_FROM_EMAIL)
    return sender.rpartition("@")[2].strip("> ") or "localhost"


def failure(error: Exception) -> DeliveryError:
    """What a mail server's refusal means; the text names no address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = sorted(code for code, _ in error.recipients.values())
        permanent = all(code not in TRANSIENT for code in codes)
        text = ", ".join(map(str, codes))
        return DeliveryError(f"recipient refused: SMTP {text}", permanent=permanent)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        is_dead = error.smtp_code not in TRANSIENT
        return DeliveryError(f"log-in refused: SMTP {error.smtp_code}", shut=is_dead)
    if isinstance(error, (smtplib.SMTPConnectError, smtplib.SMTPHeloError)):
        # It says nothing of the message: a server that is busy, or blocks this host.
        return DeliveryError(f"no service: SMTP {error.smtp_code}")
    if isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
        return DeliveryError(f"SMTP {code}", permanent=code not in TRANSIENT)
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        # A provider's API behind a backend, such as Anymail's.
        return http.refusal(status, "", None)
    if isinstance(error, (OSError, smtplib.SMTPException)):
        return DeliveryError(f"no answer: {type(error).__name__}")
    return DeliveryError(f"the mail backend failed: {type(error).__name__}")
