"""What a workflow must look like to be kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from trainerhub.workflows import events, templates
from trainerhub.workflows.models import Step

Action = Step.Action
MAX_STEPS = 20
MAX_MINUTES_BEFORE = 30 * 1440
MAX_DELAY_MINUTES = 90 * 1440

# The texts that an action cannot do without.
NEEDS: dict[str, tuple[str, ...]] = {
    Action.SEND_EMAIL: ("subject", "body"),
    Action.SEND_SMS: ("body",),
    Action.ADD_NOTE: ("body",),
    Action.REQUEST_PAYMENT: ("subject",),
}
TEXTS = ("subject", "body")

Errors = dict[str, list[str]]


def step_errors(trigger: str, step: Mapping[str, Any]) -> Errors:
    """Say of each field of a step what is wrong with it."""
    errors: Errors = {}
    allowed = events.placeholders(trigger)
    for name in TEXTS:
        problem = _text_problem(step, name, allowed)
        if problem:
            errors[name] = [problem]
    asks_to_pay = step["action"] == Action.REQUEST_PAYMENT
    if asks_to_pay and trigger not in events.ABOUT_BOOKINGS:
        errors["action"] = ["Only for a booking can a payment be asked."]
    return errors


def _text_problem(
    step: Mapping[str, Any], name: str, allowed: Collection[str]
) -> str | None:
    text = step.get(name, "")
    if not text.strip() and name in NEEDS[step["action"]]:
        return f"The action {step['action']} needs a {name}."
    try:
        templates.check(text, allowed)
    except ValueError as error:
        return str(error)
    return None


def position_problem(steps: Sequence[Mapping[str, Any]]) -> str | None:
    """Say what is wrong with the order of the steps."""
    given = [step["position"] for step in steps if "position" in step]
    if given and sorted(given) != list(range(1, len(steps) + 1)):
        return (
            f"Number the steps 1 to {len(steps)} without gaps, or leave all positions "
            "out."
        )
    return None


def condition_errors(
    trigger: str, conditions: Sequence[Mapping[str, Any]]
) -> list[Errors]:
    """Say of each condition whether the event has its field."""
    known = events.fields(trigger)
    problem = f"For {trigger} there are: {', '.join(sorted(known))}."
    return [
        {} if condition["field"] in known else {"field": [problem]}
        for condition in conditions
    ]
