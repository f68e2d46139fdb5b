"""Start workflows when something happens, and carry them out."""

from __future__ import annotations

from typing import Any

from trainerhub.trainers.models import Trainer
from trainerhub.workflows.models import Workflow


def trigger(
    *,
    trainer: Trainer,
    event: Workflow.Trigger,
    subject: str,
    context: dict[str, Any],
) -> None:
    """
    Start the trainer's active workflows for an event, after the transaction commits.

    Args:
        subject: what it happened to, such as "booking:42"; with the event it names
            the execution, so that telling twice runs once.
        context: what templates and conditions read; JSON, with at least `client_id`,
            `client_name`, `trainer_name`, and for bookings `booking_id`,
            `service_name`, `starts_at` (ISO 8601, UTC) and `price_minor`.
    """
