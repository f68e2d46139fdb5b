"""Trainers, what they offer and when they work."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone


class Trainer(models.Model):
    """A trainer's business: its profile, time zone and policies."""

    class PaymentMethod(models.TextChoices):
        NONE = "none", "not configured"
        MANUAL = "manual", "cash, card or bank transfer"
        STRIPE = "stripe", "Stripe"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trainer"
    )
    business_name = models.CharField(max_length=120)
    bio = models.TextField(blank=True, max_length=2000)
    city = models.CharField(max_length=80, blank=True)
    time_zone = models.CharField(max_length=64, default="Europe/London")
    currency = models.CharField(max_length=3, default="GBP")
    payment_method = models.CharField(
        max_length=10, choices=PaymentMethod, default=PaymentMethod.NONE
    )
    cancellation_notice_hours = models.PositiveSmallIntegerField(
        default=24, validators=[MaxValueValidator(336)]
    )
    late_cancellation_percent = models.PositiveSmallIntegerField(
        default=50, validators=[MaxValueValidator(100)]
    )
    is_listed = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["business_name", "pk"]

    def __str__(self) -> str:
        return self.business_name


class Service(models.Model):
    """Something that can be booked: so many minutes at such a price."""

    trainer = models.ForeignKey(
        Trainer, on_delete=models.CASCADE, related_name="services"
    )
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=2000)
    duration_minutes = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(5), MaxValueValidator(480)]
    )
    price_minor = models.PositiveIntegerField(
        help_text="in the currency's minor unit: 4500 is £45.00"
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.duration_minutes} min)"


class Availability(models.Model):
    """Working hours that return every week, in the trainer's time zone."""

    trainer = models.ForeignKey(
        Trainer, on_delete=models.CASCADE, related_name="availabilities"
    )
    weekday = models.PositiveSmallIntegerField(
        validators=[MaxValueValidator(6)], help_text="0 is Monday"
    )
    opens = models.TimeField()
    closes = models.TimeField()

    class Meta:
        verbose_name_plural = "availabilities"
        ordering = ["weekday", "opens"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closes__gt=models.F("opens")),
                name="availability_closes_after_it_opens",
            )
        ]

    def __str__(self) -> str:
        return f"weekday {self.weekday}, {self.opens:%H:%M}-{self.closes:%H:%M}"


class AvailabilityException(models.Model):
    """One date on which other hours hold: a holiday (no hours) or a special day."""

    trainer = models.ForeignKey(
        Trainer, on_delete=models.CASCADE, related_name="availability_exceptions"
    )
    date = models.DateField()
    opens = models.TimeField(null=True, blank=True)
    closes = models.TimeField(null=True, blank=True)
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["date", "opens"]
        constraints = [
            models.UniqueConstraint(
                fields=["trainer", "date"], name="one_availability_exception_a_date"
            ),
            models.CheckConstraint(
                condition=models.Q(opens__isnull=True, closes__isnull=True)
                | models.Q(closes__gt=models.F("opens")),
                name="exception_is_closed_or_has_hours",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date}: {self.reason or 'closed'}"
