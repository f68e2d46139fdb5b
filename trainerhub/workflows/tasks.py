"""What the task worker does for workflows."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from django_tasks import task

from trainerhub.workflows import execution
from trainerhub.workflows.models import Step


@task()
def run_step(execution_id: int, position: int) -> None:
    """Carry out one step and queue the one that follows."""
    following = execution.run(execution_id, position)
    if following is not None:
        queue(execution_id, following)


def queue(execution_id: int, step: Step) -> None:
    """Let the worker do the step, after its delay."""
    job = run_step
    if step.delay_minutes:
        delay = dt.timedelta(minutes=step.delay_minutes)
        job = run_step.using(run_after=timezone.now() + delay)
    job.enqueue(execution_id, step.position)
