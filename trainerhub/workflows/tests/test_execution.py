"""What workflows do when something happens: once, in order, and recorded."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Note
from trainerhub.notifications.models import Notification
from trainerhub.payments.models import Payment
from trainerhub.trainers.models import Trainer
from trainerhub.workflows import actions, execution, services
from trainerhub.workflows.models import Execution, Step, StepRun, Workflow

Trigger = Workflow.Trigger
Status = Execution.Status
NOTE = {"action": Step.Action.ADD_NOTE, "body": "Booked {service_name}"}
SMS = {"action": Step.Action.SEND_SMS, "body": "See you {starts_at}, {client_name}"}
EMAIL = {
    "action": Step.Action.SEND_EMAIL,
    "subject": "{trainer_name}",
    "body": "{price}",
}
ASK = {"action": Step.Action.REQUEST_PAYMENT, "subject": "To pay", "body": "Please"}


@pytest.fixture
def automate(alice):
    """Let Alice have a workflow of these steps."""

    def automate(*steps, trigger=Trigger.BOOKING_CREATED, **fields):
        return services.create_workflow(
            trainer=alice, name="Mine", trigger=trigger, steps=steps, **fields
        )

    return automate


@pytest.fixture
def happen(booking):
    """Let something happen to Bob's booking."""

    def happen(event=Trigger.BOOKING_CREATED):
        services.trigger(
            trainer=booking.trainer,
            event=event,
            subject=f"booking:{booking.pk}",
            context={
                "client_id": booking.client_id,
                "client_name": "Bob",
                "trainer_name": "Alice Strength",
                "booking_id": booking.pk,
                "service_name": "Personal training",
                "starts_at": "2030-07-01T09:00:00+00:00",
                "price_minor": 4500,
            },
        )

    return happen


def state() -> tuple[str, str]:
    run = Execution.objects.get()
    return run.status, run.error


def test_an_event_makes_a_message_that_goes_out(automate, happen, run_tasks):
    automate(EMAIL, NOTE)
    happen()
    run_tasks()
    (message,) = mail.outbox
    assert (message.to, message.subject, message.body) == (
        ["bob@example.org"],
        "Alice Strength",
        "45.00 GBP",
    )
    assert Note.objects.get().body == "Booked Personal training"
    assert state() == (Status.SUCCEEDED, "")


def test_times_are_told_by_the_trainers_clock(automate, happen, run_tasks):
    automate(SMS)
    happen()
    run_tasks()
    body = Notification.objects.get().body
    assert body == "See you Monday 1 July 2030, 10:00, Bob"


def test_each_step_is_recorded(automate, happen, run_tasks):
    automate(NOTE, SMS)
    happen()
    run_tasks()
    runs = StepRun.objects.values_list("position", "action", "status", "error")
    assert list(runs) == [
        (1, "add_note", "succeeded", ""),
        (2, "send_sms", "succeeded", ""),
    ]


def test_an_event_that_is_told_twice_runs_once(automate, happen, run_tasks):
    automate(NOTE)
    happen()
    happen()
    run_tasks()
    assert Note.objects.count() == 1


def test_nothing_starts_when_the_transaction_is_rolled_back(
    automate, happen, transactional_db
):
    automate(NOTE)
    with transaction.atomic():
        happen()
        transaction.set_rollback(True)
    assert not Execution.objects.exists()


def test_nothing_starts_before_the_transaction_commits(
    automate, happen, transactional_db
):
    automate(NOTE)
    with transaction.atomic():
        happen()
        assert not Execution.objects.exists()
    assert Execution.objects.exists()


def test_a_workflow_that_cannot_start_does_not_break_its_cause(
    automate, happen, transactional_db, monkeypatch, caplog
):
    automate(NOTE)
    monkeypatch.setattr(execution, "begin", lambda *args, **event: 1 / 0)
    happen()
    assert "division by zero" in caplog.text


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"is_active": False}, Trigger.BOOKING_CREATED),
        ({}, Trigger.BOOKING_CANCELLED),
    ],
)
def test_only_active_workflows_of_the_event_start(
    automate, happen, transactional_db, fields, event
):
    automate(NOTE, **fields)
    happen(event)
    assert not Execution.objects.exists()


def test_another_trainers_workflows_do_not_start(charlie, happen, transactional_db):
    services.create_defaults(trainer=charlie)
    happen()
    assert not Execution.objects.exists()


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(4499, Status.SUCCEEDED), (4500, Status.SUCCEEDED), (4501, Status.SKIPPED)],
)
def test_conditions_decide(automate, happen, run_tasks, limit, expected):
    condition = {"field": "price_minor", "operator": "gte", "value": limit}
    automate(NOTE, conditions=[condition])
    happen()
    run_tasks()
    assert state()[0] == expected
    assert Note.objects.exists() == (expected == Status.SUCCEEDED)


def test_a_delayed_step_waits(automate, happen, run_tasks):
    automate(NOTE, SMS | {"delay_minutes": 60})
    happen()
    run_tasks()
    assert (StepRun.objects.count(), state()[0]) == (1, Status.RUNNING)
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=59)):
        run_tasks()
        assert StepRun.objects.count() == 1
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=61)):
        run_tasks()
    assert (StepRun.objects.count(), state()[0]) == (2, Status.SUCCEEDED)


@pytest.mark.parametrize("event", [Trigger.BOOKING_CREATED, Trigger.BOOKING_REMINDER])
def test_what_is_left_is_skipped_when_the_booking_is_cancelled(
    automate, happen, run_tasks, booking, event
):
    automate(NOTE, SMS | {"delay_minutes": 60}, trigger=event)
    happen(event)
    run_tasks()
    Booking.objects.update(status=Booking.Status.CANCELLED)
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=61)):
        run_tasks()
    assert state() == (Status.SKIPPED, "The booking was cancelled.")
    assert not Notification.objects.exists()


def test_a_cancellation_is_told_of_though_the_booking_is_cancelled(
    automate, happen, run_tasks, booking
):
    Booking.objects.update(status=Booking.Status.CANCELLED)
    automate(SMS, trigger=Trigger.BOOKING_CANCELLED)
    happen(Trigger.BOOKING_CANCELLED)
    run_tasks()
    assert Notification.objects.exists()


def test_what_is_left_is_skipped_when_the_workflow_is_switched_off(
    automate, happen, run_tasks
):
    automate(NOTE)
    happen()
    Workflow.objects.update(is_active=False)
    run_tasks()
    assert state() == (Status.SKIPPED, "The workflow was switched off.")


def test_a_step_that_was_removed_meanwhile_is_not_missed(automate, happen, run_tasks):
    workflow = automate(NOTE)
    happen()
    workflow.steps.all().delete()
    run_tasks()
    assert state() == (Status.SUCCEEDED, "")


def test_a_failed_step_stops_the_rest(automate, happen, run_tasks, bob):
    bob.phone = ""
    bob.save()
    automate(SMS, NOTE)
    happen()
    run_tasks()
    assert state() == (Status.FAILED, "The client has no telephone number.")
    assert list(StepRun.objects.values_list("status")) == [("failed",)]
    assert not Note.objects.exists()


def test_an_unexpected_error_is_recorded_and_takes_back_what_the_step_wrote(
    automate, happen, run_tasks, monkeypatch, caplog
):
    def break_halfway(execution, step, client):
        Note.objects.create(client=client, body="half")
        raise ZeroDivisionError

    monkeypatch.setitem(actions.ACTIONS, Step.Action.ADD_NOTE, break_halfway)
    automate(NOTE)
    happen()
    run_tasks()
    assert state() == (Status.FAILED, "An unexpected error: ZeroDivisionError.")
    assert not Note.objects.exists()
    assert "break_halfway" in caplog.text


def test_a_task_that_is_delivered_twice_does_its_step_once(automate, happen, run_tasks):
    automate(NOTE, SMS | {"delay_minutes": 60})
    happen()
    run_tasks()
    started = Execution.objects.get()
    assert execution.run(started.pk, 1) is not None
    assert Note.objects.count() == 1
    assert StepRun.objects.count() == 1


def test_a_step_does_not_run_before_its_turn(automate, happen, transactional_db):
    automate(NOTE, NOTE)
    happen()
    execution.run(Execution.objects.get().pk, 2)
    assert not StepRun.objects.exists()


def test_the_task_of_a_workflow_that_was_deleted_does_nothing(
    automate, happen, run_tasks
):
    workflow = automate(NOTE)
    happen()
    workflow.delete()
    run_tasks()
    assert not DBTaskResult.objects.failed().exists()


def test_executions_are_logged_by_number_and_without_names(
    automate, happen, run_tasks, caplog
):
    caplog.set_level(logging.INFO, logger="trainerhub.workflows")
    workflow = automate(EMAIL)
    happen()
    run_tasks()
    lines = [
        (record.getMessage(), record.execution_id, record.workflow_id)
        for record in caplog.records
        if record.name == "trainerhub.workflows.execution"
    ]
    number = Execution.objects.get().pk
    said = ["Workflow started", "Step succeeded", "Workflow succeeded"]
    assert lines == [(line, number, workflow.pk) for line in said]
    assert "bob@example.org" not in caplog.text


def test_a_failure_is_logged_as_an_error_with_its_step(
    automate, happen, run_tasks, bob, caplog
):
    bob.phone = ""
    bob.save()
    automate(SMS)
    happen()
    run_tasks()
    (record,) = [one for one in caplog.records if one.msg == "Step failed: %s"]
    assert (record.levelname, record.step, record.action) == ("ERROR", 1, "send_sms")


@pytest.mark.parametrize(
    ("paid_minor", "expected"),
    [
        (0, "Please\n\nTo pay: 45.00 GBP"),
        (4499, "Please\n\nTo pay: 0.01 GBP"),
        (4500, None),
    ],
)
def test_a_payment_request_asks_for_what_is_due(
    automate, happen, run_tasks, booking, paid_minor, expected
):
    if paid_minor:
        Payment.objects.create(
            trainer=booking.trainer,
            client=booking.client,
            booking=booking,
            amount_minor=paid_minor,
            currency="GBP",
            status=Payment.Status.PAID,
        )
    automate(ASK)
    happen()
    run_tasks()
    bodies = Notification.objects.values_list("body", flat=True)
    assert list(bodies) == ([expected] if expected else [])
    assert state()[0] == Status.SUCCEEDED


def test_a_payment_request_leads_to_the_page_where_one_pays(
    automate, happen, run_tasks, settings, alice, booking
):
    settings.STRIPE_API_KEY = "sk_test_made_up"
    settings.PAYMENT_PAGE_URL = "https://trainerhubb.app/pay/{booking_id}"
    Trainer.objects.update(payment_method=Trainer.PaymentMethod.STRIPE)
    automate(ASK)
    happen()
    run_tasks()
    body = Notification.objects.get().body
    assert body.endswith(f"\n\nhttps://trainerhubb.app/pay/{booking.pk}")


def test_without_a_payment_method_there_is_a_warning(
    automate, happen, run_tasks, alice, caplog
):
    Trainer.objects.update(payment_method=Trainer.PaymentMethod.NONE)
    automate(ASK)
    happen()
    run_tasks()
    assert state() == (Status.FAILED, "No payment method is configured.")
    line = f"Payment method not configured for trainer: {alice.pk}"
    assert line in caplog.messages
