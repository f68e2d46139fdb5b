"""Tell the log and the trainer's workflows that money came in."""

from __future__ import annotations

import logging

from trainerhub.lib import happenings
from trainerhub.payments.models import Payment
from trainerhub.workflows import services as workflows
from trainerhub.workflows.models import Workflow

logger = logging.getLogger(__name__)


def tell(payment: Payment) -> None:
    """Call it in the transaction that marks the payment as paid."""
    logger.info(
        "Payment received",
        extra={
            "payment_id": payment.pk,
            "trainer_id": payment.trainer_id,
            "client_id": payment.client_id,
            "booking_id": payment.booking_id,
        },
    )
    happenings.tell(happenings.payment_taken)
    workflows.trigger(
        trainer=payment.trainer,
        event=Workflow.Trigger.PAYMENT_RECEIVED,
        subject=f"payment:{payment.pk}",
        context={
            "client_id": payment.client_id,
            "client_name": payment.client.full_name,
            "trainer_name": payment.trainer.business_name,
            "booking_id": payment.booking_id,
            "payment_id": payment.pk,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "method": str(payment.method),
        },
    )
