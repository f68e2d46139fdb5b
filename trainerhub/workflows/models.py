"""What a trainer has automated: when this happens, do that, perhaps later."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from trainerhub.trainers.models import Trainer


class Workflow(models.Model):
    """A trigger, its conditions and the steps that follow."""

    class Trigger(models.TextChoices):
        BOOKING_CREATED = "booking.created", "a session was booked"
        BOOKING_CANCELLED = "booking.cancelled", "a session was cancelled"
        BOOKING_REMINDER = "booking.reminder", "a session comes up"
        PAYMENT_RECEIVED = "payment.received", "a payment came in"
        CLIENT_CREATED = "client.created", "a client was added"

    trainer = models.ForeignKey(
        Trainer, on_delete=models.CASCADE, related_name="workflows"
    )
    name = models.CharField(max_length=120)
    trigger = models.CharField(max_length=30, choices=Trigger)
    # [{"field": "price_minor", "operator": "gte", "value": 5000}]; all must hold.
    conditions = models.JSONField(default=list, blank=True)
    # For booking.reminder: how long before the session.
    minutes_before = models.PositiveIntegerField(default=1440)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Step(models.Model):
    """One action of a workflow, so many minutes after the step before it."""

    class Action(models.TextChoices):
        SEND_EMAIL = "send_email", "send an e-mail"
        SEND_SMS = "send_sms", "send a text message"
        ADD_NOTE = "add_note", "add a note to the client"
        REQUEST_PAYMENT = "request_payment", "ask for the payment"

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="steps"
    )
    position = models.PositiveSmallIntegerField()
    action = models.CharField(max_length=20, choices=Action)
    delay_minutes = models.PositiveIntegerField(default=0)
    # Templates with {client_name}, {trainer_name}, {service_name}, {starts_at} …
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True, max_length=2000)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "position"], name="one_step_a_position"
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.action}"


class Execution(models.Model):
    """One run of a workflow for one event."""

    class Status(models.TextChoices):
        RUNNING = "running", "running"
        SUCCEEDED = "succeeded", "succeeded"
        FAILED = "failed", "failed"
        SKIPPED = "skipped", "conditions did not hold"

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="executions"
    )
    # "booking.created:42": an event that is told twice runs once.
    key = models.CharField(max_length=120)
    # What the templates and conditions read, frozen when the event happened.
    event = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    next_position = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "key"], name="one_execution_a_workflow_and_event"
            )
        ]

    def __str__(self) -> str:
        return f"{self.workflow_id} {self.key}, {self.status}"


class StepRun(models.Model):
    """What one step of an execution did."""

    class Status(models.TextChoices):
        SUCCEEDED = "succeeded", "succeeded"
        FAILED = "failed", "failed"

    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="step_runs"
    )
    position = models.PositiveSmallIntegerField()
    action = models.CharField(max_length=20, choices=Step.Action)
    status = models.CharField(max_length=10, choices=Status)
    error = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    duration_seconds = models.FloatField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["execution", "position"], name="one_run_a_step"
            )
        ]

    def __str__(self) -> str:
        return f"step {self.position} {self.action}, {self.status}"
