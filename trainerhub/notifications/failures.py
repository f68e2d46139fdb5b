"""Why a message did not go out, in words that name nobody."""

from __future__ import annotations

import smtplib

from anymail.exceptions import AnymailError
from twilio.base.exceptions import TwilioException, TwilioRestException

EMAIL_ERRORS = (smtplib.SMTPException, OSError, AnymailError, ValueError)
SMS_ERRORS = (TwilioException, OSError, ValueError)

# Our own credentials or pace are at fault, and may be mended before the next try.
MAY_PASS = frozenset({401, 403, 408, 425, 429})


class DeliveryError(Exception):
    """The message did not go out; `permanent` says that trying again is no use."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


def of_email(error: Exception) -> DeliveryError:
    """Say what went wrong; the library's own message quotes the address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _of_smtp("recipient refused", *_codes(error))
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return DeliveryError("the mail server refused our log-in", permanent=False)
    if isinstance(error, smtplib.SMTPResponseException):
        return _of_smtp("the mail server answered", error.smtp_code)
    if isinstance(error, AnymailError):
        return _of_http("the mail service", getattr(error, "status_code", None))
    return _of_local(error, "the mail server")


def of_sms(error: Exception) -> DeliveryError:
    """Say what went wrong; Twilio's own message quotes the number."""
    if isinstance(error, TwilioRestException):
        name = f"Twilio (error {error.code})" if error.code else "Twilio"
        return _of_http(name, error.status)
    return _of_local(error, "Twilio")


def _codes(error: smtplib.SMTPRecipientsRefused) -> list[int]:
    return sorted({code for code, _ in error.recipients.values()})


def _of_smtp(what: str, *codes: int) -> DeliveryError:
    shown = ", ".join(map(str, codes))
    return DeliveryError(f"{what}: {shown}", permanent=min(codes, default=0) >= 500)


def _of_http(who: str, status: int | None) -> DeliveryError:
    if status is None:
        return DeliveryError(f"{who} did not take it", permanent=False)
    return DeliveryError(
        f"{who} answered HTTP {status}",
        permanent=400 <= status < 500 and status not in MAY_PASS,
    )


def _of_local(error: Exception, who: str) -> DeliveryError:
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return DeliveryError(f"{who} did not answer in time", permanent=False)
    # requests' errors are OSErrors and some of them ValueErrors too.
    if isinstance(error, OSError | smtplib.SMTPException):
        kind = type(error).__name__
        return DeliveryError(f"{who} could not be reached ({kind})", permanent=False)
    kind = type(error).__name__
    return DeliveryError(
        f"the message could not be handed over ({kind})", permanent=True
    )
