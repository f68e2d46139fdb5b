"""What Stripe tells of payments, whenever and however often it does."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import stripe
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from trainerhub.lib import happenings
from trainerhub.payments.checkout import CANCELED
from trainerhub.payments.errors import InvalidSignature
from trainerhub.payments.models import Payment, WebhookEvent
from trainerhub.payments.received import tell
from trainerhub.payments.services import mark_refunded

logger = logging.getLogger(__name__)
Status = Payment.Status

TOLERANCE_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of Stripe's, with the thing that it happened to."""

    event_id: str
    kind: str
    thing: dict[str, Any]


def verified(payload: bytes, header: str | None) -> Event:
    """
    Read an event that Stripe signed within the last minutes.

    Raises:
        InvalidSignature: the signature is missing, wrong or old, or it is no event.
    """
    if not settings.STRIPE_WEBHOOK_SECRET:
        logger.error("Stripe webhook refused: set STRIPE_WEBHOOK_SECRET")
        raise InvalidSignature
    try:
        # The library compares signatures as ASCII only.
        (header or "").encode("ascii")
        stripe.WebhookSignature.verify_header(
            payload, header, settings.STRIPE_WEBHOOK_SECRET, TOLERANCE_SECONDS
        )
        return _parse(payload)
    except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError):
        # Not logged with what came: anybody can send anything here.
        logger.warning("Stripe webhook refused: it is not signed by Stripe")
        raise InvalidSignature from None


def _parse(payload: bytes) -> Event:
    body = json.loads(payload)
    thing = body["data"]["object"]
    if not isinstance(thing, dict):
        raise TypeError
    return Event(event_id=str(body["id"]), kind=str(body["type"]), thing=thing)


@transaction.atomic
def take(event: Event) -> bool:
    """Act on an event once; False when it was taken before."""
    handle = HANDLERS.get(event.kind)
    if not _is_new(event):
        return False
    if handle is not None:
        handle(event.thing)
    return True


def _is_new(event: Event) -> bool:
    try:
        with transaction.atomic():
            # A second delivery at the same moment waits here for the first to commit.
            WebhookEvent.objects.create(
                event_id=event.event_id[:120], kind=event.kind[:80]
            )
    except IntegrityError:
        return False
    return True


def _succeeded(intent: dict[str, Any]) -> None:
    payment = _payment_of(intent)
    if payment is None:
        return
    rows = Payment.objects.filter(
        # Never one that was refunded: events come in any order.
        pk=payment.pk,
        status__in=[Status.PENDING, Status.FAILED],
    )
    amount = intent.get("amount_received")
    changed = rows.update(
        status=Status.PAID,
        paid_at=timezone.now(),
        failure_code="",
        provider_reference=str(intent["id"]),
        # What came is what counts.
        amount_minor=amount if _is_amount(amount) else payment.amount_minor,
    )
    if changed == 1:
        payment.refresh_from_db()
        tell(payment)


def _failed(intent: dict[str, Any]) -> None:
    error = intent.get("last_payment_error") or {}
    code = error.get("decline_code") or error.get("code") or "failed"
    _fail(intent, str(code)[:80])


def _canceled(intent: dict[str, Any]) -> None:
    _fail(intent, CANCELED)


def _fail(intent: dict[str, Any], code: str) -> None:
    payment = _payment_of(intent)
    if payment is None:
        return
    # Only from pending, or a late event would un-pay it.
    rows = Payment.objects.filter(pk=payment.pk, status=Status.PENDING)
    if rows.update(status=Status.FAILED, failure_code=code) == 1:
        ids = {"payment_id": payment.pk, "trainer_id": payment.trainer_id}
        logger.info("Payment failed: %s", code, extra=ids)
        happenings.tell(happenings.payment_failed)


def _refunded(charge: dict[str, Any]) -> None:
    # Stripe copies the metadata of an intent to its charge.
    intent = {"id": charge.get("payment_intent"), "metadata": charge.get("metadata")}
    payment = _payment_of(intent)
    # A part that went back leaves the payment as it is.
    if payment is not None and charge.get("refunded") is True:
        mark_refunded(payment)


def _payment_of(intent: dict[str, Any]) -> Payment | None:
    """Find it by Stripe's number, or by ours when Stripe's never arrived."""
    rows = Payment.objects.select_related("trainer", "client")
    reference = intent.get("id")
    if not reference:
        return None
    payment = rows.filter(provider_reference=str(reference)).first()
    if payment is not None:
        return payment
    ours = str((intent.get("metadata") or {}).get("payment_id", ""))
    if not (ours.isascii() and ours.isdigit()):
        return None
    unanswered = rows.filter(method=Payment.Method.STRIPE, provider_reference="")
    return unanswered.filter(pk=int(ours)).first()


def _is_amount(value: Any) -> bool:
    return isinstance(value, int) and 0 < value <= 2**31 - 1


HANDLERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "payment_intent.succeeded": _succeeded,
    "payment_intent.payment_failed": _failed,
    "payment_intent.canceled": _canceled,
    "charge.refunded": _refunded,
}
