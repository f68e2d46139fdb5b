"""Workflows, for staff: what is automated, what it did, and a switch to stop it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from trainerhub.workflows.models import Execution, Step, StepRun, Workflow


class ReadOnlyInline(admin.TabularInline[Any, Any]):
    """Rows to look at."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StepInline(ReadOnlyInline):
    """What the workflow does."""

    model = Step


class StepRunInline(ReadOnlyInline):
    """What the execution did."""

    model = StepRun


@admin.register(Workflow)
class WorkflowAdmin(admin.ModelAdmin[Workflow]):
    """Staff switch a workflow off; what it says is the trainer's, and checked there."""

    list_display = ["name", "trainer", "trigger", "is_active", "created_at"]
    list_filter = ["trigger", "is_active"]
    list_select_related = ["trainer"]
    search_fields = ["name", "trainer__business_name"]
    fields = ["trainer", "name", "trigger", "conditions", "minutes_before", "is_active"]
    readonly_fields = ["trainer", "name", "trigger", "conditions", "minutes_before"]
    inlines = [StepInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Execution)
class ExecutionAdmin(admin.ModelAdmin[Execution]):
    """A record of what happened: nothing to add or change."""

    list_display = ["workflow", "key", "status", "error", "started_at"]
    list_filter = ["status"]
    list_select_related = ["workflow"]
    search_fields = ["=key", "workflow__name"]
    exclude = ["event"]
    inlines = [StepRunInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Execution | None = None
    ) -> bool:
        return False
