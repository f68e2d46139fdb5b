"""Sessions that come up are reminded of, once by each workflow."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from trainerhub.bookings.models import Booking
from trainerhub.notifications.models import Notification
from trainerhub.workflows import reminders, services
from trainerhub.workflows.models import Execution, Step, Workflow

SMS: services.StepFields = {
    "action": Step.Action.SEND_SMS,
    "body": "{service_name} on {starts_at}",
}


@pytest.fixture
def remind(alice):
    """Let Alice remind so many minutes before."""

    def remind(minutes_before, **fields):
        return services.create_workflow(
            trainer=alice,
            name=f"{minutes_before} before",
            trigger=Workflow.Trigger.BOOKING_REMINDER,
            minutes_before=minutes_before,
            steps=[SMS],
            **fields,
        )

    return remind


def before(booking: Booking, **ahead: float) -> dt.datetime:
    return booking.starts_at - dt.timedelta(**ahead)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        ({"hours": 1, "seconds": 1}, 0),
        ({"hours": 1}, 1),
        ({"minutes": 59}, 1),
        ({"seconds": 1}, 1),
        ({"seconds": 0}, 0),
        ({"seconds": -1}, 0),
    ],
)
def test_a_session_is_reminded_of_from_its_time_until_it_begins(
    remind, booking, ahead, expected
):
    remind(60)
    assert reminders.send_due(before(booking, **ahead)) == expected


def test_running_every_minute_reminds_once(remind, booking):
    remind(60)
    now = before(booking, minutes=60)
    minutes = [now + dt.timedelta(minutes=number) for number in range(5)]
    assert [reminders.send_due(minute) for minute in minutes] == [1, 0, 0, 0, 0]


def test_each_workflow_reminds_at_its_own_time(remind, booking):
    day, hour = remind(1440), remind(60)
    reminders.send_due(before(booking, hours=24))
    assert [run.workflow for run in Execution.objects.all()] == [day]
    reminders.send_due(before(booking, hours=1))
    assert hour.executions.count() == day.executions.count() == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [("confirmed", 1), ("cancelled", 0), ("pending", 0), ("no_show", 0)],
)
def test_only_confirmed_sessions_are_reminded_of(remind, booking, status, expected):
    remind(60)
    Booking.objects.update(status=status)
    assert reminders.send_due(before(booking, minutes=30)) == expected


def test_a_workflow_that_is_off_reminds_of_nothing(remind, booking):
    remind(60, is_active=False)
    assert reminders.send_due(before(booking, minutes=30)) == 0


def test_another_trainers_sessions_are_not_reminded_of(charlie, booking):
    services.create_defaults(trainer=charlie)
    assert reminders.send_due(before(booking, minutes=30)) == 0


def test_the_number_of_queries_does_not_grow_when_nothing_is_new(
    remind, booking, django_assert_num_queries
):
    remind(60)
    now = before(booking, minutes=30)
    reminders.send_due(now)
    with django_assert_num_queries(3):
        reminders.send_due(now)


def test_the_command_sends_and_the_worker_delivers(remind, booking, run_tasks, capsys):
    remind(60)
    with time_machine.travel(before(booking, minutes=30)):
        call_command("send_reminders")
        run_tasks()
    assert capsys.readouterr().out.startswith("1 reminders started")
    sent = Notification.objects.get()
    assert (sent.channel, sent.status) == ("sms", "sent")
    assert sent.body.startswith("Personal training on ")


def test_the_command_says_nothing_when_there_is_nothing_to_say(db, capsys):
    call_command("send_reminders")
    assert capsys.readouterr().out == ""


def test_a_session_cancelled_before_the_worker_comes_is_not_reminded_of(
    remind, booking, run_tasks
):
    remind(60)
    reminders.send_due(before(booking, minutes=30))
    Booking.objects.update(status=Booking.Status.CANCELLED)
    run_tasks()
    assert not Notification.objects.exists()


def test_now_is_the_default(remind, booking):
    remind(60)
    assert booking.starts_at > timezone.now() + dt.timedelta(hours=1)
    assert reminders.send_due() == 0
