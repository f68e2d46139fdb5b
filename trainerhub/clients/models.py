"""A trainer's clients, what she noted about them and what they have paid ahead."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from trainerhub.trainers.models import Trainer


class Client(models.Model):
    """Somebody who trains with one trainer; with a log-in of their own, or without."""

    trainer = models.ForeignKey(
        Trainer, on_delete=models.CASCADE, related_name="clients"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="client_records",
    )
    full_name = models.CharField(max_length=150)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=20, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["full_name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["trainer", "user"], name="one_client_record_a_trainer_and_user"
            ),
            models.UniqueConstraint(
                "trainer",
                Lower("email"),
                condition=~models.Q(email=""),
                name="one_client_a_trainer_and_email",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name


class Note(models.Model):
    """What the trainer wants to remember of a client."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="notes")
    body = models.TextField(max_length=5000)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.body[:60]


class Package(models.Model):
    """Sessions bought ahead; `sessions_left` is the balance."""

    client = models.ForeignKey(
        Client, on_delete=models.CASCADE, related_name="packages"
    )
    name = models.CharField(max_length=120)
    sessions_total = models.PositiveSmallIntegerField()
    sessions_left = models.PositiveSmallIntegerField()
    price_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    expires_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sessions_left__lte=models.F("sessions_total")),
                name="package_balance_within_total",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.sessions_left} of {self.sessions_total}"
