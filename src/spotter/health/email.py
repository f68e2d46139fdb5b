"""Could an e-mail leave?"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend

from spotter.health.check import HealthCheck, Report, Status
from spotter.health.remote import verify

#: Backends of Django that send nothing, by the last word of their module.
SENDS_NOTHING = ("console", "dummy", "filebased", "locmem")


class EmailCheck(HealthCheck):
    """
    Say whether e-mail is set up: SendGrid, an SMTP server, or another backend.

    SendGrid's key is found in `SENDGRID_API_KEY` or Anymail's `ANYMAIL`.

    Args:
        verify: ask SendGrid for the key's scopes, or the SMTP server for a NOOP. Sends
            and bills nothing; asked once a minute at most.
        base_url: where SendGrid's API is.
    """

    name = "email"
    failure = "Mail server cannot be reached"

    def __init__(
        self,
        *,
        verify: bool = False,
        base_url: str = "https://api.sendgrid.com",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.verify = verify
        self.base_url = base_url
        if verify:
            self.ttl_seconds = options.get("ttl_seconds", 60.0)
            self.timeout_seconds = options.get("timeout_seconds", 6.0)

    def run(self) -> Report:
        backend = settings.EMAIL_BACKEND
        if backend.split(".")[-2] in SENDS_NOTHING:
            return Report(Status.NOT_CONFIGURED, "Backend that sends nothing")
        if "sendgrid" in backend.lower():
            return self.sendgrid()
        if not backend.endswith("smtp.EmailBackend"):
            return Report(Status.CONFIGURED, "E-mail backend set")
        if not settings.EMAIL_HOST:
            return Report(Status.NOT_CONFIGURED, "EMAIL_HOST is empty")
        return self.smtp()

    def sendgrid(self) -> Report:
        """The key is there, and accepted where that is asked for."""
        key = sendgrid_key()
        if not key:
            return Report(Status.NOT_CONFIGURED, "SendGrid API key missing")
        if not self.verify:
            return Report(Status.CONFIGURED, "SendGrid API key present")
        url = f"{self.base_url}/v3/scopes"
        return verify("SendGrid", url, {"Authorization": f"Bearer {key}"})

    def smtp(self) -> Report:
        """The server is named, and answers where that is asked for."""
        if not self.verify:
            return Report(Status.CONFIGURED, "SMTP server set")
        backend = get_connection(timeout=5)
        if isinstance(backend, SmtpBackend):
            backend.open()
            try:
                if backend.connection:
                    backend.connection.noop()
            finally:
                backend.close()
        return Report(Status.CONFIGURED, "SMTP server answers")


def sendgrid_key() -> str:
    """The key, wherever the project keeps it."""
    anymail = getattr(settings, "ANYMAIL", {})
    return (
        getattr(settings, "SENDGRID_API_KEY", "")
        or anymail.get("SENDGRID_API_KEY", "")
        or getattr(settings, "ANYMAIL_SENDGRID_API_KEY", "")
    )
