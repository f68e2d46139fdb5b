"""Trainers keep workflows through the API; what makes no sense is refused there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from trainerhub.workflows import definition, services
from trainerhub.workflows.models import Execution, Step, StepRun, Workflow

URL = "/api/workflows/"
NOTE: services.StepFields = {"action": "add_note", "body": "Booked {service_name}"}
MAIL: services.StepFields = {
    "action": "send_email",
    "subject": "Hi {client_name}",
    "body": "See you",
}
WORKFLOW: dict[str, Any] = {
    "name": "Mine",
    "trigger": "booking.created",
    "steps": [NOTE, MAIL],
}
DEAR: dict[str, Any] = {"field": "price_minor", "operator": "gte", "value": 5000}


@pytest.fixture
def workflow(alice):
    """A workflow of Alice's with two steps."""
    return services.create_workflow(
        trainer=alice,
        name="Hers",
        trigger=Workflow.Trigger.BOOKING_CREATED,
        steps=[NOTE, MAIL],
    )


def errors_of(answer: Any) -> str:
    """The refusal's fields, in either of the error shapes."""
    assert answer.status_code == 400, answer.content
    return str(answer.json())


def test_a_trainer_automates_something(as_alice, alice):
    answer = as_alice.post(URL, WORKFLOW | {"conditions": [DEAR]})
    assert answer.status_code == 201
    body = answer.json()
    assert [step["position"] for step in body["steps"]] == [1, 2]
    assert body["conditions"] == [DEAR]
    assert Workflow.objects.get().trainer == alice


def test_steps_may_come_numbered_in_any_order(as_alice):
    steps = [MAIL | {"position": 2}, NOTE | {"position": 1}]
    body = as_alice.post(URL, WORKFLOW | {"steps": steps}).json()
    assert [step["action"] for step in body["steps"]] == ["add_note", "send_email"]


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [NOTE] * (definition.MAX_STEPS + 1),
        "steps",
        [1],
        [[]],
        {"action": "add_note"},
        [NOTE | {"position": 2}],
        [NOTE | {"position": 1}, NOTE | {"position": 3}],
        [NOTE | {"position": 1}, NOTE | {"position": 1}],
        [NOTE | {"position": 1}, NOTE],
        [NOTE | {"position": 0}],
        [NOTE | {"delay_minutes": -1}],
        [NOTE | {"delay_minutes": definition.MAX_DELAY_MINUTES + 1}],
        [NOTE | {"delay_minutes": 10**30}],
        [NOTE | {"action": "dance"}],
        [NOTE | {"body": " "}],
        [NOTE | {"body": "x" * 2001}],
        [NOTE | {"body": "a\0b"}],
        [NOTE | {"body": "{nobody}"}],
        [NOTE | {"body": "{client_name.__class__}"}],
        [NOTE | {"body": "{"}],
        [NOTE | {"body": "{amount}"}],
        [MAIL | {"subject": ""}],
        [MAIL | {"subject": "{client_name!r}"}],
        [{"action": "send_email", "body": "x"}],
        [{"action": "send_sms"}],
        [{"action": "request_payment"}],
    ],
)
def test_steps_that_make_no_sense_are_refused(as_alice, steps):
    assert "steps" in errors_of(as_alice.post(URL, WORKFLOW | {"steps": steps}))
    assert not Workflow.objects.exists()


@pytest.mark.parametrize("number", [1, definition.MAX_STEPS])
def test_there_may_be_so_many_steps(as_alice, number):
    answer = as_alice.post(URL, WORKFLOW | {"steps": [NOTE] * number})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        "x",
        [1],
        [[DEAR]],
        [DEAR] * 21,
        [DEAR | {"field": "password"}],
        [DEAR | {"field": "amount_minor"}],
        [DEAR | {"field": ["price_minor"]}],
        [DEAR | {"operator": "like"}],
        [DEAR | {"value": {"a": {"b": [1]}}}],
        [DEAR | {"value": None}],
        [DEAR | {"value": "a\0b"}],
        [DEAR | {"value": "\ud800"}],
        [DEAR | {"value": 10**400}],
        [DEAR | {"value": -(10**400)}],
        [DEAR | {"operator": "in", "value": [[[[]]]]}],
        [{"field": "price_minor", "operator": "eq"}],
    ],
)
def test_conditions_that_make_no_sense_are_refused(as_alice, conditions):
    # Written here: REST framework's client cannot send a lone surrogate.
    body = json.dumps(WORKFLOW | {"conditions": conditions})
    answer = as_alice.post(URL, body, content_type="application/json")
    assert "conditions" in errors_of(answer)


@pytest.mark.parametrize(
    "changes",
    [
        {"trigger": "full.moon"},
        {"name": ""},
        {"name": "x" * 121},
        {"minutes_before": 0},
        {"minutes_before": 10**30},
        {"trigger": "client.created"},
        {"trigger": "payment.received"},
    ],
)
def test_a_workflow_that_makes_no_sense_is_refused(as_alice, changes):
    assert as_alice.post(URL, WORKFLOW | changes).status_code == 400


@pytest.mark.parametrize(
    ("trigger", "status"), [("booking.created", 201), ("client.created", 400)]
)
def test_a_payment_is_asked_for_bookings_only(as_alice, trigger, status):
    ask = {"action": "request_payment", "subject": "To pay"}
    wanted = {"name": "Ask", "trigger": trigger, "steps": [ask]}
    assert as_alice.post(URL, wanted).status_code == status


def test_steps_that_are_given_replace_those_there_were(as_alice, workflow):
    answer = as_alice.patch(f"{URL}{workflow.pk}/", {"steps": [MAIL]})
    assert [step["action"] for step in answer.json()["steps"]] == ["send_email"]
    assert Step.objects.count() == 1


def test_what_is_not_given_stays(as_alice, workflow):
    answer = as_alice.patch(f"{URL}{workflow.pk}/", {"is_active": False})
    assert answer.json()["is_active"] is False
    assert len(answer.json()["steps"]) == 2


def test_another_trigger_must_fit_the_texts_there_are(as_alice, workflow):
    answer = as_alice.patch(f"{URL}{workflow.pk}/", {"trigger": "client.created"})
    assert "service_name" in errors_of(answer)


def test_another_trigger_must_fit_the_conditions_there_are(as_alice, workflow):
    path = f"{URL}{workflow.pk}/"
    as_alice.patch(path, {"steps": [MAIL], "conditions": [DEAR]})
    assert "conditions" in errors_of(
        as_alice.patch(path, {"trigger": "client.created"})
    )
    answer = as_alice.patch(path, {"trigger": "client.created", "conditions": []})
    assert answer.status_code == 200


def test_a_workflow_is_deleted(as_alice, workflow):
    assert as_alice.delete(f"{URL}{workflow.pk}/").status_code == 204
    assert not Workflow.objects.exists()


@pytest.mark.parametrize("tail", ["", "executions/"])
def test_to_a_stranger_it_does_not_exist(as_charlie, workflow, tail):
    assert as_charlie.get(f"{URL}{workflow.pk}/{tail}").status_code == 404
    assert as_charlie.get(URL).json()["count"] == 0


def test_a_stranger_changes_nothing(as_charlie, workflow):
    path = f"{URL}{workflow.pk}/"
    assert as_charlie.patch(path, {"is_active": False}).status_code == 404
    assert as_charlie.delete(path).status_code == 404


def test_only_trainers_automate(as_bob, anonymous):
    assert as_bob.post(URL, WORKFLOW).status_code == 403
    assert as_bob.get(URL).status_code == 403
    assert anonymous.get(URL).status_code == 401


def test_an_impossible_number_is_no_workflow(as_alice):
    assert as_alice.get(f"{URL}{10**30}/").status_code == 404
    assert as_alice.get(f"{URL}{10**30}/executions/").status_code == 404


def test_executions_come_with_their_steps(as_alice, workflow):
    run = Execution.objects.create(workflow=workflow, key="booking.created:booking:1")
    StepRun.objects.create(
        execution=run, position=1, action="add_note", status="failed", error="Why"
    )
    (row,) = as_alice.get(f"{URL}{workflow.pk}/executions/").json()["results"]
    assert (row["key"], row["status"]) == ("booking.created:booking:1", "running")
    assert row["step_runs"][0]["error"] == "Why"


def test_executions_are_filtered(as_alice, workflow):
    Execution.objects.create(workflow=workflow, key="1")
    path = f"{URL}{workflow.pk}/executions/"
    assert as_alice.get(path, {"status": "failed"}).json()["count"] == 0
    assert as_alice.get(path, {"status": "running"}).json()["count"] == 1
    assert as_alice.get(path, {"status": "lost"}).status_code == 400


def add_executions(workflow: Workflow, numbers: Iterable[int]) -> None:
    for number in numbers:
        run = Execution.objects.create(workflow=workflow, key=str(number))
        StepRun.objects.create(
            execution=run, position=1, action="add_note", status="succeeded"
        )


@pytest.mark.parametrize("tail", ["", "{pk}/executions/"])
def test_the_number_of_queries_does_not_grow(
    as_alice, alice, workflow, tail, django_assert_max_num_queries
):
    path = URL + tail.format(pk=workflow.pk)
    add_executions(workflow, range(2))
    with django_assert_max_num_queries(20) as few:
        as_alice.get(path)
    add_executions(workflow, range(2, 8))
    services.create_defaults(trainer=alice)
    with django_assert_max_num_queries(len(few)):
        as_alice.get(path)


def test_the_defaults_are_what_the_api_would_take(as_alice, alice):
    services.create_defaults(trainer=alice)
    for row in as_alice.get(URL).json()["results"]:
        again = {key: value for key, value in row.items() if key != "id"}
        assert as_alice.post(URL, again).status_code == 201


def test_the_defaults_are_given_once(alice):
    assert len(services.create_defaults(trainer=alice)) == 4
    assert services.create_defaults(trainer=alice) == []
    triggers = set(alice.workflows.values_list("trigger", flat=True))
    assert triggers == {
        "booking.created",
        "booking.reminder",
        "booking.cancelled",
        "client.created",
    }


@pytest.mark.parametrize("path", ["workflow/", "execution/", "workflow/{pk}/change/"])
def test_staff_look_at_workflows(admin_client, workflow, path):
    add_executions(workflow, range(2))
    answer = admin_client.get(f"/admin/workflows/{path.format(pk=workflow.pk)}")
    assert answer.status_code == 200
