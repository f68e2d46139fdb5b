"""How a trainer is paid."""

from __future__ import annotations

import logging

from django.conf import settings

from trainerhub.trainers.models import Trainer

logger = logging.getLogger(__name__)
Method = Trainer.PaymentMethod


def is_missing(trainer: Trainer) -> bool:
    """Whether she has set up no way to be paid, which is worth a warning."""
    lacks_key = trainer.payment_method == Method.STRIPE and not settings.STRIPE_API_KEY
    if trainer.payment_method != Method.NONE and not lacks_key:
        return False
    logger.warning("Payment method not configured for trainer: %s", trainer.id)
    return True
