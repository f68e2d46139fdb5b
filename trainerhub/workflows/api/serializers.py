"""How workflows look in JSON, and what of them is accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from trainerhub.workflows import conditions as pure
from trainerhub.workflows import definition, events
from trainerhub.workflows.models import Execution, Step, StepRun, Workflow

FIELDS = sorted(
    frozenset().union(*(events.fields(trigger) for trigger in Workflow.Trigger))
)
SCALAR = [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]


@extend_schema_field(
    {"anyOf": [*SCALAR, {"type": "array", "items": {"anyOf": SCALAR}}]}
)
class ConditionValueField(serializers.Field[Any, Any, Any, Any]):
    """A text, a number, true or false; a list of them for `in`."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class ConditionSerializer(serializers.Serializer[Any]):
    """One question about the event."""

    field = serializers.ChoiceField(choices=FIELDS)
    operator = serializers.ChoiceField(choices=list(pure.OPERATORS))
    value = ConditionValueField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            pure.check_value(attrs["operator"], attrs["value"])
        except ValueError as error:
            raise serializers.ValidationError({"value": [str(error)]}) from None
        return attrs


class StepSerializer(serializers.ModelSerializer[Step]):
    """One action; `delay_minutes` after the step before it."""

    position = serializers.IntegerField(
        min_value=1,
        max_value=definition.MAX_STEPS,
        required=False,
        help_text="from 1 without gaps; left out, the order of the list counts",
    )
    delay_minutes = serializers.IntegerField(
        min_value=0, max_value=definition.MAX_DELAY_MINUTES, default=0
    )

    class Meta:
        model = Step
        fields = ["position", "action", "delay_minutes", "subject", "body"]


class WorkflowSerializer(serializers.ModelSerializer[Workflow]):
    """A workflow with all of its steps."""

    conditions = ConditionSerializer(  # type: ignore[call-arg]  # the list's
        many=True, required=False, max_length=pure.MAX_CONDITIONS
    )
    minutes_before = serializers.IntegerField(
        min_value=1,
        max_value=definition.MAX_MINUTES_BEFORE,
        required=False,
        help_text="for booking.reminder: how long before the session",
    )
    steps = StepSerializer(  # type: ignore[call-arg]  # the list's
        many=True, min_length=1, max_length=definition.MAX_STEPS
    )

    class Meta:
        model = Workflow
        fields = [
            "id",
            "name",
            "trigger",
            "conditions",
            "minutes_before",
            "is_active",
            "steps",
            "created_at",
        ]
        read_only_fields = ["created_at"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Judge the workflow as it would become: texts and fields fit the trigger."""
        trigger = attrs.get("trigger") or self._kept("trigger")
        steps = attrs.get("steps") or self._kept_steps()
        conditions = attrs.get("conditions", self._kept("conditions") or [])
        problem = definition.position_problem(steps)
        if problem:
            raise serializers.ValidationError({"steps": [problem]})
        found = {
            "steps": [definition.step_errors(trigger, step) for step in steps],
            "conditions": definition.condition_errors(trigger, conditions),
        }
        errors = {name: each for name, each in found.items() if any(each)}
        if errors:
            raise serializers.ValidationError(errors)
        return attrs

    def _kept(self, name: str) -> Any:
        return getattr(self.instance, name, None)

    def _kept_steps(self) -> Sequence[Mapping[str, Any]]:
        assert isinstance(self.instance, Workflow)  # noqa: S101 (a new one has steps)
        return list(self.instance.steps.values("action", "subject", "body"))


class StepRunSerializer(serializers.ModelSerializer[StepRun]):
    """What one step did."""

    class Meta:
        model = StepRun
        fields = [
            "position",
            "action",
            "status",
            "error",
            "started_at",
            "duration_seconds",
        ]
        read_only_fields = fields


class ExecutionSerializer(serializers.ModelSerializer[Execution]):
    """One run of a workflow, with the steps that ran."""

    step_runs = StepRunSerializer(many=True, read_only=True)

    class Meta:
        model = Execution
        fields = [
            "id",
            "key",
            "status",
            "error",
            "started_at",
            "finished_at",
            "step_runs",
        ]
        read_only_fields = fields
