"""Money that came in, or did not."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client
from trainerhub.trainers.models import Trainer


class Payment(models.Model):
    """One payment in minor units, recorded by hand or taken by a provider."""

    class Method(models.TextChoices):
        CASH = "cash", "cash"
        CARD = "card", "card terminal"
        BANK_TRANSFER = "bank_transfer", "bank transfer"
        STRIPE = "stripe", "Stripe"

    class Status(models.TextChoices):
        PENDING = "pending", "pending"
        PAID = "paid", "paid"
        FAILED = "failed", "failed"
        REFUNDED = "refunded", "refunded"

    trainer = models.ForeignKey(
        Trainer, on_delete=models.CASCADE, related_name="payments"
    )
    client = models.ForeignKey(
        Client, on_delete=models.CASCADE, related_name="payments"
    )
    booking = models.ForeignKey(
        Booking,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="payments",
    )
    amount_minor = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=15, choices=Method)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    # Stripe's PaymentIntent id; empty for what was recorded by hand.
    provider_reference = models.CharField(max_length=120, blank=True)
    failure_code = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider_reference"],
                condition=~models.Q(provider_reference=""),
                name="one_payment_a_provider_reference",
            )
        ]
        indexes = [
            models.Index(fields=["trainer", "created_at"], name="payment_by_trainer")
        ]

    def __str__(self) -> str:
        return f"payment {self.pk}: {self.amount_minor} {self.currency}, {self.status}"


class WebhookEvent(models.Model):
    """A provider's event that was taken; its id makes a second delivery a no-op."""

    provider = models.CharField(max_length=20, default="stripe")
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "event_id"], name="one_webhook_event_a_provider_id"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.kind} {self.event_id}"
