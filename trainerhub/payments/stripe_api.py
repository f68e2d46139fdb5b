"""What is asked of Stripe, within bounded time, and what its refusals mean here."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import stripe
from django.conf import settings
from django.utils import timezone

from trainerhub.payments.errors import (
    CardDeclined,
    PaymentInProgress,
    PaymentRefused,
    ProviderBusy,
    ProviderFailed,
    ProviderTimeout,
    ProviderUnreachable,
)
from trainerhub.payments.models import Payment

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 10.0

# The intent is past the point where it could be changed.
UNDER_WAY = "payment_intent_unexpected_state"
ALREADY_REFUNDED = "charge_already_refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A payment that Stripe waits for; the secret lets the client's browser pay it."""

    reference: str
    client_secret: str


def create_intent(payment: Payment) -> Intent:
    """Ask Stripe to take the amount; asked twice for one row, it makes one intent."""
    # With the moment: the numbers of another database begin at 1 too. With the
    # amount: the same key with other parameters is refused.
    moment = payment.created_at.timestamp()
    key = f"payment-{payment.pk}-{moment:.6f}-{payment.amount_minor}"
    with _stripe() as client:
        intent = client.v1.payment_intents.create(
            {
                "amount": payment.amount_minor,
                "currency": payment.currency.lower(),
                "automatic_payment_methods": {"enabled": True},
                "metadata": {
                    "payment_id": str(payment.pk),
                    "booking_id": str(payment.booking_id or ""),
                },
            },
            {"idempotency_key": key},
        )
        return _intent(intent)


def reprice_intent(payment: Payment) -> Intent:
    """Take up an intent that was not paid, at today's amount."""
    with _stripe() as client:
        intent = client.v1.payment_intents.update(
            payment.provider_reference, {"amount": payment.amount_minor}
        )
        return _intent(intent)


def refund(payment: Payment) -> None:
    """Give all of it back; when Stripe has done so before, that is as good."""
    # Stripe repeats its answer to a key for a day, its failures too: a new one each
    # hour stops a double click and lets a failed refund be tried again.
    key = f"refund-{payment.pk}-{timezone.now():%Y%m%d%H}"
    with _stripe() as client:
        try:
            client.v1.refunds.create(
                {"payment_intent": payment.provider_reference},
                {"idempotency_key": key},
            )
        except stripe.InvalidRequestError as error:
            if error.code != ALREADY_REFUNDED:
                raise


def _intent(intent: stripe.PaymentIntent) -> Intent:
    secret = getattr(intent, "client_secret", None)
    if not secret:
        logger.error("Stripe answered without a client secret")
        raise ProviderFailed
    return Intent(reference=intent.id, client_secret=secret)


@contextlib.contextmanager
def _stripe() -> Iterator[stripe.StripeClient]:
    http = stripe.RequestsClient(
        timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
    )
    base = settings.STRIPE_API_BASE
    try:
        yield stripe.StripeClient(
            settings.STRIPE_API_KEY,
            base_addresses={"api": base} if base else None,
            # A person waits for the answer.
            max_network_retries=0,
            http_client=http,
        )
    except stripe.StripeError as error:
        refusal = _refusal(error)
        ids = {"http_status": error.http_status, "stripe_request_id": error.request_id}
        logger.error(  # noqa: TRY400 (the stack would bring Stripe's words with it)
            "Stripe refused a request: %s", refusal.default_code, extra=ids
        )
        raise refusal from None
    finally:
        http.close()  # type: ignore[no-untyped-call]


def _refusal(error: stripe.StripeError) -> PaymentRefused:
    if isinstance(error, stripe.APIConnectionError):
        cause = type(error.__cause__).__name__
        return ProviderTimeout() if "Timeout" in cause else ProviderUnreachable()
    if isinstance(error, stripe.CardError):
        return CardDeclined()
    if isinstance(error, stripe.RateLimitError):
        return ProviderBusy()
    if error.code == UNDER_WAY:
        return PaymentInProgress()
    return ProviderFailed()
