"""Begin an execution and carry out its steps, each of them once."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import transaction
from django.utils import timezone

from trainerhub.bookings.models import Booking
from trainerhub.lib import happenings
from trainerhub.workflows import conditions, events
from trainerhub.workflows.actions import StepFailed, perform
from trainerhub.workflows.models import Execution, Step, StepRun, Workflow

logger = logging.getLogger(__name__)
Status = Execution.Status


def begin(workflow: Workflow, *, key: str, event: dict[str, Any]) -> Execution | None:
    """
    Start the workflow for an event, unless it was started for it before.

    Returns what is to be carried out; None when it was, or conditions do not hold.
    """
    execution, is_new = Execution.objects.get_or_create(
        workflow=workflow, key=key, defaults={"event": event, "next_position": 1}
    )
    if not is_new:
        return None
    if not conditions.all_hold(workflow.conditions, event):
        _finish(execution, Status.SKIPPED, "The conditions did not hold.")
        return None
    logger.info("Workflow started", extra=ids(execution))
    return execution


def run(execution_id: int, position: int) -> Step | None:
    """
    Carry out one step, unless that was done before.

    Returns the step that follows, for the caller to queue. It is returned for a step
    that was done before too: whoever did it may have died before queueing the next.
    """
    with transaction.atomic():
        # The row is the claim: of two deliveries of a task only one moves it on, and
        # with a failure it moves back together with all that the step wrote.
        waiting = Execution.objects.filter(
            pk=execution_id, status=Status.RUNNING, next_position=position
        )
        is_mine = waiting.update(next_position=position + 1) == 1
        execution = _load(execution_id)
        if execution is None or execution.status != Status.RUNNING:
            return None
        if is_mine:
            _advance(execution, position)
        return following(execution) if execution.status == Status.RUNNING else None


def following(execution: Execution) -> Step | None:
    """The step that the execution waits for; without one it is finished."""
    steps = Step.objects.filter(workflow_id=execution.workflow_id)
    step = steps.filter(position=execution.next_position).first()
    if step is None:
        _finish(execution, Status.SUCCEEDED)
    return step


def _load(execution_id: int) -> Execution | None:
    rows = Execution.objects.select_related("workflow__trainer")
    return rows.filter(pk=execution_id).first()


def _advance(execution: Execution, position: int) -> None:
    reason = reason_to_stop(execution)
    step = execution.workflow.steps.filter(position=position).first()
    if reason:
        _finish(execution, Status.SKIPPED, reason)
    # Without the step, which was removed meanwhile, following() finishes it.
    elif step is not None:
        _run(execution, step)


def reason_to_stop(execution: Execution) -> str:
    """Why what is left is better not done; empty when it is to be done."""
    if not execution.workflow.is_active:
        return "The workflow was switched off."
    booking_id = execution.event.get("booking_id")
    if booking_id and execution.workflow.trigger in events.END_WITH_THE_BOOKING:
        booking = Booking.objects.filter(pk=booking_id).first()
        if booking is None or booking.status == Booking.Status.CANCELLED:
            return "The booking was cancelled."
    return ""


def _run(execution: Execution, step: Step) -> None:
    started_at, start = timezone.now(), time.perf_counter()
    error = _error_of(execution, step)
    StepRun.objects.create(
        execution=execution,
        position=step.position,
        action=step.action,
        status=StepRun.Status.FAILED if error else StepRun.Status.SUCCEEDED,
        error=error[:200],
        started_at=started_at,
        duration_seconds=time.perf_counter() - start,
    )
    extra = ids(execution) | {"step": step.position, "action": str(step.action)}
    if error:
        logger.error("Step failed: %s", error, extra=extra)
        _finish(execution, Status.FAILED, error)
    else:
        logger.info("Step succeeded", extra=extra)


def _error_of(execution: Execution, step: Step) -> str:
    """Do the step; say in a sentence without names why it could not be done."""
    try:
        # A savepoint: what a step wrote before it failed goes, its record stays.
        with transaction.atomic():
            perform(execution, step)
    except StepFailed as failure:
        return str(failure)
    except Exception as error:
        logger.exception("Step broke", extra=ids(execution) | {"step": step.position})
        return f"An unexpected error: {type(error).__name__}."
    return ""


def _finish(execution: Execution, status: Execution.Status, error: str = "") -> None:
    execution.status = status
    execution.error = error[:200]
    execution.finished_at = timezone.now()
    execution.save(update_fields=["status", "error", "finished_at"])
    happenings.tell(happenings.workflow_ended, status=status.value)
    outcome = f"{status.value}: {error}" if error else status.value
    level = logging.ERROR if status == Status.FAILED else logging.INFO
    logger.log(level, "Workflow %s", outcome, extra=ids(execution))


def ids(execution: Execution) -> dict[str, Any]:
    """What the log says of an execution: numbers, and no names."""
    return {
        "execution_id": execution.pk,
        "workflow_id": execution.workflow_id,
        "trainer_id": execution.workflow.trainer_id,
        "event_key": execution.key,
    }
