"""Let a client pay for a booking with Stripe."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet

from trainerhub.bookings.models import Booking
from trainerhub.lib import happenings
from trainerhub.payments import methods, stripe_api
from trainerhub.payments.errors import (
    NothingDue,
    PaymentInProgress,
    PaymentMethodManual,
    PaymentMethodMissing,
    PaymentRefused,
    ProviderUnreachable,
)
from trainerhub.payments.models import Payment
from trainerhub.payments.selectors import due_for_booking
from trainerhub.payments.services import lock
from trainerhub.trainers.models import Trainer

Status = Payment.Status
CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A pending payment, and what the client's browser needs to pay it."""

    payment: Payment
    client_secret: str


def checkout(*, booking: Booking) -> Checkout:
    """
    Open a payment of what is due for a booking; asked again, it is the same one.

    Do not call it in a transaction: it waits for Stripe.

    Raises:
        PaymentMethodMissing: the trainer has set up no way to be paid.
        NothingDue: all is paid.
        ProviderFailed: Stripe did not do it; the booking is as it was.
    """
    _require_stripe(booking.trainer)
    payment = _open(booking)
    try:
        intent = _ask_stripe(payment)
    except ProviderUnreachable:
        # Stripe may have it: the next checkout takes up the same row and key.
        raise
    except PaymentRefused as error:
        if not payment.provider_reference:
            _give_up(payment, error)
        raise
    return _opened(payment, intent)


def _require_stripe(trainer: Trainer) -> None:
    if methods.is_missing(trainer):
        raise PaymentMethodMissing
    if trainer.payment_method != Trainer.PaymentMethod.STRIPE:
        raise PaymentMethodManual


@transaction.atomic
def _open(booking: Booking) -> Payment:
    """Give the booking's unpaid Stripe payment, at today's amount; one at a time."""
    lock(booking.client)
    due = due_for_booking(booking)
    if due == 0:
        raise NothingDue
    payment = open_payments(booking).first()
    if payment is None:
        return Payment.objects.create(
            trainer=booking.trainer,
            client=booking.client,
            booking=booking,
            amount_minor=due,
            currency=booking.currency,
            method=Payment.Method.STRIPE,
        )
    payment.amount_minor = due
    return payment


def open_payments(booking: Booking) -> QuerySet[Payment]:
    """Those that may be paid yet; a declined card may be tried again, or another."""
    declined = Q(status=Status.FAILED) & ~Q(failure_code=CANCELED)
    return Payment.objects.filter(
        Q(status=Status.PENDING) | declined & ~Q(provider_reference=""),
        booking=booking,
        method=Payment.Method.STRIPE,
    )


def _ask_stripe(payment: Payment) -> stripe_api.Intent:
    if payment.provider_reference:
        return stripe_api.reprice_intent(payment)
    return stripe_api.create_intent(payment)


def _give_up(payment: Payment, error: PaymentRefused) -> None:
    rows = Payment.objects.filter(pk=payment.pk, status=Status.PENDING)
    if rows.update(status=Status.FAILED, failure_code=error.default_code):
        happenings.tell(happenings.payment_failed)


def _opened(payment: Payment, intent: stripe_api.Intent) -> Checkout:
    rows = Payment.objects.filter(
        pk=payment.pk, status__in=[Status.PENDING, Status.FAILED]
    )
    changed = rows.update(
        status=Status.PENDING,
        failure_code="",
        provider_reference=intent.reference,
        amount_minor=payment.amount_minor,
    )
    if changed != 1:
        # The webhook was faster: it is paid.
        raise PaymentInProgress
    payment.refresh_from_db()
    return Checkout(payment=payment, client_secret=intent.client_secret)
