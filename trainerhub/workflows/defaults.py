"""The workflows that most trainers want, as they could have written them."""

from __future__ import annotations

from typing import Any

from trainerhub.workflows.models import Step, Workflow

Trigger = Workflow.Trigger
Action = Step.Action

A_DAY_IN_MINUTES = 1440

DEFAULTS: list[dict[str, Any]] = [
    {
        "name": "Booking confirmation",
        "trigger": Trigger.BOOKING_CREATED,
        "steps": [
            {
                "action": Action.SEND_EMAIL,
                "subject": "Your session on {starts_at}",
                "body": (
                    "Hello {client_name},\n\n"
                    "{service_name} with {trainer_name} is booked for {starts_at}. "
                    "The price is {price}.\n\n"
                    "See you then,\n{trainer_name}"
                ),
            }
        ],
    },
    {
        "name": "Reminder a day before",
        "trigger": Trigger.BOOKING_REMINDER,
        "minutes_before": A_DAY_IN_MINUTES,
        "steps": [
            {
                "action": Action.SEND_SMS,
                "body": "{service_name} with {trainer_name} on {starts_at}. See you!",
            }
        ],
    },
    {
        "name": "Cancellation notice",
        "trigger": Trigger.BOOKING_CANCELLED,
        "steps": [
            {
                "action": Action.SEND_EMAIL,
                "subject": "Your session on {starts_at} is cancelled",
                "body": (
                    "Hello {client_name},\n\n"
                    "{service_name} on {starts_at} is cancelled.\n\n"
                    "{trainer_name}"
                ),
            }
        ],
    },
    {
        "name": "Welcome",
        "trigger": Trigger.CLIENT_CREATED,
        "steps": [
            {
                "action": Action.SEND_EMAIL,
                "subject": "Welcome to {trainer_name}",
                "body": (
                    "Hello {client_name},\n\n"
                    "welcome! You can book sessions with us now.\n\n"
                    "{trainer_name}"
                ),
            }
        ],
    },
]
