"""A trainer's workflows and what they did."""

from __future__ import annotations

from django.db.models import QuerySet

from trainerhub.trainers.models import Trainer
from trainerhub.workflows.models import Execution, Workflow


def workflows_of(trainer: Trainer) -> QuerySet[Workflow]:
    """The trainer's workflows with their steps."""
    return Workflow.objects.filter(trainer=trainer).prefetch_related("steps")


def executions_of(workflow: Workflow) -> QuerySet[Execution]:
    """What a workflow did, newest first, with the runs of its steps."""
    return Execution.objects.filter(workflow=workflow).prefetch_related("step_runs")
