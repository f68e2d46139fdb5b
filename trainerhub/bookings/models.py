"""Sessions that clients have booked."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from trainerhub.clients.models import Client, Package
from trainerhub.trainers.models import Service, Trainer


class Booking(models.Model):
    """One session; its price is what was agreed when it was booked."""

    class Status(models.TextChoices):
        PENDING = "pending", "waits for the trainer"
        CONFIRMED = "confirmed", "confirmed"
        COMPLETED = "completed", "completed"
        CANCELLED = "cancelled", "cancelled"
        NO_SHOW = "no_show", "client did not come"

    # The states in which nobody else can have the time.
    HOLDS_SLOT = [Status.PENDING, Status.CONFIRMED, Status.COMPLETED, Status.NO_SHOW]

    trainer = models.ForeignKey(
        Trainer, on_delete=models.CASCADE, related_name="bookings"
    )
    client = models.ForeignKey(
        Client, on_delete=models.CASCADE, related_name="bookings"
    )
    service = models.ForeignKey(
        Service, on_delete=models.PROTECT, related_name="bookings"
    )
    package = models.ForeignKey(
        Package,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="bookings",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    price_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    message = models.CharField(max_length=500, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    cancellation_fee_minor = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-starts_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                name="booking_ends_after_it_starts",
            ),
            # The last line of defence; overlaps that start apart are refused by the
            # lock on the trainer in services.book().
            models.UniqueConstraint(
                fields=["trainer", "starts_at"],
                condition=~models.Q(status="cancelled"),
                name="one_booking_a_trainer_and_start",
            ),
        ]
        indexes = [
            # The day's bookings of a trainer: slots, and the overlap test of book().
            models.Index(fields=["trainer", "starts_at"], name="booking_by_trainer"),
            # A client's own list.
            models.Index(fields=["client", "starts_at"], name="booking_by_client"),
            # "Today" in /metrics/, and the reminders that are due.
            models.Index(fields=["starts_at"], name="booking_by_start"),
        ]

    def __str__(self) -> str:
        return f"booking {self.pk} at {self.starts_at:%Y-%m-%d %H:%M} UTC"
