"""Record what was paid by hand, and give it back."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client
from trainerhub.payments import stripe_api
from trainerhub.payments.errors import ExceedsDue, NothingDue, WrongStatus
from trainerhub.payments.models import Payment
from trainerhub.payments.received import tell
from trainerhub.payments.selectors import due_for_booking, due_from_client

logger = logging.getLogger(__name__)
Status = Payment.Status


@transaction.atomic
def record(
    *,
    client: Client,
    amount_minor: int,
    method: Payment.Method,
    booking: Booking | None = None,
) -> Payment:
    """
    Note money that the trainer took, for a booking or from a client.

    Raises:
        NothingDue: all is paid.
        ExceedsDue: the amount is more than what is due.
    """
    lock(client)
    currency = booking.currency if booking else client.trainer.currency
    due = due_for_booking(booking) if booking else due_from_client(client, currency)
    if due == 0:
        raise NothingDue
    if amount_minor > due:
        raise ExceedsDue(due, currency)
    payment = Payment.objects.create(
        trainer=client.trainer,
        client=client,
        booking=booking,
        amount_minor=amount_minor,
        currency=currency,
        method=method,
        status=Status.PAID,
        paid_at=timezone.now(),
    )
    tell(payment)
    return payment


def lock(client: Client) -> None:
    """Let payments of one client take turns, so that two do not both pay the same."""
    Client.objects.select_for_update(no_key=True).get(pk=client.pk)


def refund(*, payment: Payment) -> Payment:
    """
    Give all of it back: through Stripe what came through Stripe, else by hand.

    Raises:
        WrongStatus: it was not paid, or is refunded already.
        ProviderFailed: Stripe did not do it, and nothing changed.
    """
    if payment.status != Status.PAID:
        raise WrongStatus(payment.status)
    if payment.method == Payment.Method.STRIPE:
        # No transaction is open: Stripe may take its time.
        stripe_api.refund(payment)
    mark_refunded(payment)
    payment.refresh_from_db()
    return payment


def mark_refunded(payment: Payment) -> None:
    """Note that the money went back, unless that is known."""
    rows = Payment.objects.filter(pk=payment.pk).exclude(status=Status.REFUNDED)
    if rows.update(status=Status.REFUNDED) == 1:
        ids = {"payment_id": payment.pk, "trainer_id": payment.trainer_id}
        logger.info("Payment refunded", extra=ids)
