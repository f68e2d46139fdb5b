"""Send a text message with Twilio, or say in the log that there is none."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from trainerhub.notifications.failures import SMS_ERRORS, of_sms
from trainerhub.notifications.models import Notification

logger = logging.getLogger(__name__)

TWILIO = "https://api.twilio.com"
TIMEOUT_SECONDS = 10.0


class HttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's own client, which can be pointed at another server."""

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:
        base = settings.TWILIO_API_BASE or TWILIO
        return super().request(method, url.replace(TWILIO, base, 1), *args, **options)


def is_configured() -> bool:
    """Whether there are credentials and a number to send from."""
    return bool(
        settings.TWILIO_ACCOUNT_SID
        and settings.TWILIO_AUTH_TOKEN
        and settings.TWILIO_FROM_NUMBER
    )


def send(notification: Notification) -> None:
    """
    Send it; without credentials only a line in the log tells of it.

    Raises:
        DeliveryError: it did not go out.
    """
    if not is_configured():
        logger.info(
            "SMS went no further than this log: Twilio is not configured",
            extra={"notification_id": notification.pk},
        )
        return
    try:
        with _twilio() as twilio:
            twilio.messages.create(
                to=notification.recipient,
                from_=settings.TWILIO_FROM_NUMBER,
                body=notification.body,
            )
    except SMS_ERRORS as error:
        # Not chained: the library's words have the number.
        raise of_sms(error) from None


@contextlib.contextmanager
def _twilio() -> Iterator[Client]:
    http = HttpClient(timeout=TIMEOUT_SECONDS)
    try:
        yield Client(
            settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, http_client=http
        )
    finally:
        if http.session:
            http.session.close()
