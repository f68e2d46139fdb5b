"""Messages to people, each with what became of it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from trainerhub.clients.models import Client
from trainerhub.trainers.models import Trainer


class Notification(models.Model):
    """One e-mail or text message."""

    class Channel(models.TextChoices):
        EMAIL = "email", "e-mail"
        SMS = "sms", "SMS"

    class Status(models.TextChoices):
        QUEUED = "queued", "queued"
        SENT = "sent", "sent"
        FAILED = "failed", "failed"

    trainer = models.ForeignKey(
        Trainer, on_delete=models.CASCADE, related_name="notifications"
    )
    # Null: to the trainer herself.
    client = models.ForeignKey(
        Client,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="notifications",
    )
    channel = models.CharField(max_length=5, choices=Channel)
    recipient = models.CharField(max_length=254, help_text="address or number")
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    status = models.CharField(max_length=6, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    # One message a cause: a task that runs twice sends once.
    key = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            # A trainer's list, newest first.
            models.Index(
                fields=["trainer", "created_at"], name="notification_by_trainer"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.pk}, {self.status}"
