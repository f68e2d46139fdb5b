"""Messages go out once, are tried again for a while, and say what became of them."""

from __future__ import annotations

import datetime as dt
import logging
import smtplib

import pytest
import time_machine
from anymail.exceptions import AnymailAPIError
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from trainerhub.notifications import delivery, failures
from trainerhub.notifications.models import Notification
from trainerhub.notifications.services import SMS_LENGTH, notify
from trainerhub.notifications.tests.servers import serving

EMAIL, SMS = Notification.Channel
Status = Notification.Status


class Unreachable(BaseEmailBackend):
    """A mail server that is down."""

    def send_messages(self, email_messages):
        raise ConnectionRefusedError("bob@example.org")


class Refusing(BaseEmailBackend):
    """A mail server that knows no such mailbox."""

    def send_messages(self, email_messages):
        raise smtplib.SMTPRecipientsRefused({"bob@example.org": (550, b"no such user")})


@pytest.fixture
def tell(alice, bob):
    """Queue a message to Bob."""

    def tell(channel=EMAIL, **changes):
        message = {
            "trainer": alice,
            "client": bob,
            "channel": channel,
            "recipient": bob.email if channel == EMAIL else bob.phone,
            "subject": "See you",
            "body": "See you on Monday",
            "key": "test:1",
        }
        return notify(**message | changes)

    return tell


@pytest.fixture
def twilio(settings):
    """A server in the form of Twilio's API."""
    settings.TWILIO_ACCOUNT_SID = "AC123"
    settings.TWILIO_AUTH_TOKEN = "made-up"
    settings.TWILIO_FROM_NUMBER = "+447700900999"
    with serving(lambda request: (201, {"sid": "SM1", "status": "queued"})) as server:
        settings.TWILIO_API_BASE = server.url
        yield server


def status_of(notification: Notification) -> str:
    notification.refresh_from_db()
    return notification.status


def test_an_email_goes_out_and_answers_go_to_the_trainer(tell, run_tasks):
    notification = tell()
    run_tasks()
    (message,) = mail.outbox
    assert (message.to, message.reply_to, message.subject, message.body) == (
        ["bob@example.org"],
        ["alice@example.org"],
        "See you",
        "See you on Monday",
    )
    assert status_of(notification) == Status.SENT
    assert notification.sent_at is not None


def test_the_same_cause_told_twice_sends_once(tell, run_tasks):
    assert tell().pk == tell().pk
    run_tasks()
    assert len(mail.outbox) == 1


def test_nothing_is_queued_when_the_transaction_is_rolled_back(tell, transactional_db):
    with transaction.atomic():
        tell()
        transaction.set_rollback(True)
    assert not DBTaskResult.objects.exists()
    assert not Notification.objects.exists()


def test_a_queue_that_is_down_breaks_nothing(
    tell, transactional_db, monkeypatch, caplog
):
    monkeypatch.setattr(DBTaskResult.objects, "create", lambda **fields: 1 / 0)
    assert status_of(tell()) == Status.QUEUED
    assert "division by zero" in caplog.text


def test_a_task_that_is_delivered_twice_sends_once(tell, db):
    notification = tell()
    delivery.attempt(notification.pk, 1)
    delivery.attempt(notification.pk, 1)
    assert len(mail.outbox) == 1


def test_an_attempt_that_is_under_way_is_not_made_again(tell, db):
    notification = tell()
    Notification.objects.update(attempts=1)
    assert delivery.attempt(notification.pk, 1) is None
    assert mail.outbox == []


def test_a_line_break_in_a_subject_forges_no_header(tell, db):
    notification = tell(subject="Hi\r\nBcc: eve@example.org")
    assert notification.subject == "Hi Bcc: eve@example.org"


def test_a_failure_for_now_is_tried_again_after_a_while(tell, run_tasks, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Unreachable"
    notification = tell()
    run_tasks()
    assert status_of(notification) == Status.QUEUED
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    run_tasks()
    assert mail.outbox == []
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=61)):
        run_tasks()
    assert status_of(notification) == Status.SENT
    assert notification.attempts == 2


def test_after_the_last_attempt_it_is_given_up(tell, db, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Unreachable"
    notification = tell()
    numbers = range(1, delivery.MAX_ATTEMPTS + 1)
    waits = [delivery.attempt(notification.pk, number) for number in numbers]
    assert waits == [*delivery.WAITS, None]
    assert status_of(notification) == Status.FAILED


def test_a_permanent_failure_is_not_tried_again(tell, db, settings):
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    notification = tell()
    assert delivery.attempt(notification.pk, 1) is None
    assert status_of(notification) == Status.FAILED
    assert notification.error == "recipient refused: 550"


@pytest.mark.parametrize("backend", ["Unreachable", "Refusing"])
def test_a_failure_is_logged_without_the_address(tell, db, settings, caplog, backend):
    settings.EMAIL_BACKEND = f"{__name__}.{backend}"
    notification = tell()
    delivery.attempt(notification.pk, 1)
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.msg == "Failed to send email: %s"
    assert record.name == "trainerhub.notifications.delivery"
    notification.refresh_from_db()
    assert "@" not in caplog.text + notification.error + str(vars(record))


def test_a_text_message_goes_to_twilio(tell, db, twilio):
    notification = tell(SMS)
    delivery.attempt(notification.pk, 1)
    (request,) = twilio.received
    assert request.path == "/2010-04-01/Accounts/AC123/Messages.json"
    assert request.form == {
        "To": "+447700900123",
        "From": "+447700900999",
        "Body": "See you on Monday",
    }
    assert status_of(notification) == Status.SENT


def test_a_text_message_is_cut_to_what_twilio_takes(tell, db):
    assert len(tell(SMS, body="x" * (SMS_LENGTH + 1)).body) == SMS_LENGTH


def test_a_number_that_twilio_refuses_is_given_up_and_not_logged(
    tell, db, twilio, caplog
):
    refusal = {
        "code": 21211,
        "message": "The 'To' number +447700900123 is not valid",
        "status": 400,
    }
    twilio.reply(400, refusal)
    notification = tell(SMS)
    delivery.attempt(notification.pk, 1)
    assert status_of(notification) == Status.FAILED
    assert notification.error == "Twilio (error 21211) answered HTTP 400"
    assert "Failed to send SMS: Twilio (error 21211)" in caplog.text
    assert "7700900123" not in caplog.text


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_twilio_in_trouble_is_tried_again(tell, db, twilio, status):
    twilio.reply(status, {"code": 20429, "message": "later", "status": status})
    notification = tell(SMS)
    assert delivery.attempt(notification.pk, 1) == delivery.WAITS[0]
    assert status_of(notification) == Status.QUEUED


def test_twilio_that_hangs_is_left_and_tried_again(tell, db, twilio, monkeypatch):
    monkeypatch.setattr("trainerhub.notifications.sms.TIMEOUT_SECONDS", 0.2)
    twilio.hang()
    notification = tell(SMS)
    assert delivery.attempt(notification.pk, 1) == delivery.WAITS[0]
    notification.refresh_from_db()
    assert notification.error == "Twilio did not answer in time"


def test_without_twilio_only_the_log_tells_of_a_text_message(tell, db, caplog):
    caplog.set_level(logging.INFO)
    notification = tell(SMS)
    delivery.attempt(notification.pk, 1)
    assert "Twilio is not configured" in caplog.text
    assert "Monday" not in caplog.text
    assert status_of(notification) == Status.SENT


def test_twilios_own_log_lines_stay_out(tell, db, twilio, caplog):
    caplog.set_level(logging.INFO)
    delivery.attempt(tell(SMS).pk, 1)
    assert "AC123" not in caplog.text


@pytest.mark.parametrize(
    ("error", "reason", "permanent"),
    [
        (smtplib.SMTPDataError(451, b"later"), "the mail server answered: 451", False),
        (smtplib.SMTPDataError(499, b""), "the mail server answered: 499", False),
        (smtplib.SMTPDataError(500, b""), "the mail server answered: 500", True),
        (
            smtplib.SMTPAuthenticationError(535, b"a@x.org"),
            "the mail server refused our log-in",
            False,
        ),
        (
            AnymailAPIError("a@x.org", status_code=400),
            "the mail service answered HTTP 400",
            True,
        ),
        (
            AnymailAPIError("a@x.org", status_code=429),
            "the mail service answered HTTP 429",
            False,
        ),
        (
            AnymailAPIError("a@x.org", status_code=500),
            "the mail service answered HTTP 500",
            False,
        ),
        (AnymailAPIError("a@x.org"), "the mail service did not take it", False),
        (TimeoutError("a@x.org"), "the mail server did not answer in time", False),
        (
            ValueError("a@x.org"),
            "the message could not be handed over (ValueError)",
            True,
        ),
    ],
)
def test_a_reason_names_nobody_and_says_whether_to_try_again(error, reason, permanent):
    told = failures.of_email(error)
    assert (str(told), told.permanent) == (reason, permanent)


def test_some_refused_recipients_may_be_taken_later():
    codes = {"a@x.org": (450, b""), "b@x.org": (550, b"")}
    told = failures.of_email(smtplib.SMTPRecipientsRefused(codes))
    assert (str(told), told.permanent) == ("recipient refused: 450, 550", False)
