"""Start workflows when something happens, and keep what trainers automate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from django.db import transaction

from trainerhub.trainers.models import Trainer
from trainerhub.workflows import execution, tasks
from trainerhub.workflows.defaults import DEFAULTS
from trainerhub.workflows.models import Step, Workflow

logger = logging.getLogger(__name__)


class WorkflowFields(TypedDict, total=False):
    """What a trainer says of a workflow, its steps aside."""

    name: str
    trigger: str
    conditions: list[dict[str, Any]]
    minutes_before: int
    is_active: bool


class StepFields(TypedDict, total=False):
    """What a trainer says of a step."""

    position: int
    action: str
    delay_minutes: int
    subject: str
    body: str


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

    # No partial: Django cannot log that one failed.
    def tell() -> None:
        start_all(trainer, event, subject, context)

    # Robust: what happened has happened; a workflow that cannot start is logged and
    # does not turn the caller's success into an error.
    transaction.on_commit(tell, robust=True)


def start_all(
    trainer: Trainer,
    event: Workflow.Trigger,
    subject: str,
    context: dict[str, Any],
) -> None:
    """Start those of the trainer's workflows that wait for the event, now."""
    waiting = Workflow.objects.filter(trainer=trainer, trigger=event, is_active=True)
    for workflow in waiting:
        workflow.trainer = trainer
        start(workflow, subject=subject, context=context)


def start(workflow: Workflow, *, subject: str, context: dict[str, Any]) -> None:
    """Start one workflow for what happened to the subject, unless that was done."""
    key = f"{workflow.trigger}:{subject}"
    event = {"currency": workflow.trainer.currency, **context}
    begun = execution.begin(workflow, key=key, event=event)
    first = execution.following(begun) if begun else None
    if begun and first:
        tasks.queue(begun.pk, first)


@transaction.atomic
def create_workflow(
    *, trainer: Trainer, steps: Sequence[StepFields], **fields: Unpack[WorkflowFields]
) -> Workflow:
    """Keep a new workflow; steps without a position are numbered as they come."""
    workflow = Workflow.objects.create(trainer=trainer, **fields)
    _replace_steps(workflow, steps)
    _log("Workflow created", workflow)
    return workflow


@transaction.atomic
def update_workflow(
    *,
    workflow: Workflow,
    steps: Sequence[StepFields] | None = None,
    **changes: Unpack[WorkflowFields],
) -> Workflow:
    """Change a workflow; steps that are given take the place of all it had."""
    for name, value in changes.items():
        setattr(workflow, name, value)
    workflow.save(update_fields=list(changes))
    if steps is not None:
        _replace_steps(workflow, steps)
    _log("Workflow changed", workflow)
    return workflow


def create_defaults(*, trainer: Trainer) -> list[Workflow]:
    """Give a trainer the usual workflows; those whose name she has are left alone."""
    names = set(trainer.workflows.values_list("name", flat=True))
    return [
        create_workflow(trainer=trainer, **default)
        for default in DEFAULTS
        if default["name"] not in names
    ]


def _replace_steps(workflow: Workflow, steps: Sequence[StepFields]) -> None:
    workflow.steps.all().delete()
    Step.objects.bulk_create(
        Step(workflow=workflow, **{"position": number, **step})
        for number, step in enumerate(steps, start=1)
    )


def _log(line: str, workflow: Workflow) -> None:
    ids = {"workflow_id": workflow.pk, "trainer_id": workflow.trainer_id}
    logger.info(line, extra=ids)
