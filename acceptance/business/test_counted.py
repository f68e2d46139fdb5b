"""Each number of the business counts what people did, through the API and its tasks."""

from __future__ import annotations

import datetime as dt

import pytest

from spotter import recording
from spotter.exposition import recorded as exposition
from spotter.recording import buffer
from tests.kept import recorded
from trainerhub.notifications import delivery
from trainerhub.notifications.models import Notification
from trainerhub.notifications.services import notify
from trainerhub.notifications.tests import test_delivery
from trainerhub.payments.checkout import checkout
from trainerhub.payments.errors import PaymentRefused
from trainerhub.payments.models import Payment
from trainerhub.payments.tests.stripe_server import refusal
from trainerhub.payments.tests.test_webhooks import FAILED, SUCCEEDED, event, signature
from trainerhub.trainers.models import Availability
from trainerhub.workflows import services as workflows
from trainerhub.workflows.models import Execution, Step, Workflow

# What is told is told when it is committed.
pytestmark = pytest.mark.django_db(transaction=True)


def counted(name: str, *by: str) -> dict[object, float]:
    """A counter's events by the values of its labels."""
    return {labels: point.sum for labels, point in recorded(name, *by).items()}


@pytest.fixture
def webhook(anonymous, booking, stripe_server):
    """Let Stripe tell what became of Bob's payment."""
    Payment.objects.create(
        trainer=booking.trainer,
        client=booking.client,
        booking=booking,
        amount_minor=4500,
        currency="GBP",
        method="stripe",
        provider_reference="pi_1",
    )

    def send(kind):
        payload = event(kind)
        answer = anonymous.post(
            "/api/payments/webhooks/stripe/",
            payload,
            content_type="application/json",
            HTTP_STRIPE_SIGNATURE=signature(payload, "whsec_made_up"),
        )
        assert answer.status_code == 200, answer.content

    return send


def test_a_booking_that_is_made(as_bob, alice, booking):
    Availability.objects.bulk_create(
        Availability(trainer=alice, weekday=day, opens=dt.time(0), closes=dt.time(23))
        for day in range(7)
    )
    noon = booking.starts_at.replace(hour=12, minute=0, second=0)
    later = (noon + dt.timedelta(days=7)).isoformat()
    wanted = {"service": booking.service_id, "starts_at": later}
    answer = as_bob.post("/api/bookings/", wanted)
    assert answer.status_code == 201, answer.content
    assert counted("trainerhub.bookings.made") == {(): 1}
    assert counted("trainerhub.bookings.cancelled") == {}


def test_a_booking_that_is_cancelled(as_bob, booking):
    assert as_bob.post(f"/api/bookings/{booking.pk}/cancel/").status_code == 200
    assert counted("trainerhub.bookings.cancelled") == {(): 1}
    assert counted("trainerhub.bookings.made") == {}


def test_a_payment_that_a_trainer_took(as_alice, booking):
    took = {"booking": booking.pk, "amount_minor": 4500, "method": "cash"}
    assert as_alice.post("/api/payments/", took).status_code == 201
    assert counted("trainerhub.payments.taken") == {(): 1}


def test_a_payment_that_stripe_took(webhook):
    webhook(SUCCEEDED)
    assert counted("trainerhub.payments.taken") == {(): 1}
    assert counted("trainerhub.payments.failed") == {}


def test_a_card_that_is_declined(webhook):
    webhook(FAILED)
    assert counted("trainerhub.payments.failed") == {(): 1}
    assert counted("trainerhub.payments.taken") == {}


def test_a_payment_that_stripe_refuses_to_open(booking, stripe_server):
    stripe_server.reply(402, refusal("card_error", "card_declined"))
    with pytest.raises(PaymentRefused):
        checkout(booking=booking)
    assert counted("trainerhub.payments.failed") == {(): 1}


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_message_that_is_sent(booking, run_tasks, channel):
    told(booking, channel)
    run_tasks()
    assert counted("trainerhub.notifications.sent", "channel") == {channel: 1}
    assert counted("trainerhub.notifications.failed", "channel") == {}


def told(booking, channel) -> Notification:
    """A message to Bob that waits to go out."""
    return notify(
        trainer=booking.trainer,
        client=booking.client,
        channel=Notification.Channel(channel),
        recipient={"email": "bob@example.org", "sms": "+447700900123"}[channel],
        body="See you on Monday",
        key="test:1",
    )


def test_a_message_that_nobody_takes(booking, settings):
    settings.EMAIL_BACKEND = f"{test_delivery.__name__}.Refusing"
    delivery.attempt(told(booking, "email").pk, 1)
    assert counted("trainerhub.notifications.failed", "channel") == {"email": 1}
    assert counted("trainerhub.notifications.sent", "channel") == {}


def test_a_message_that_will_be_tried_again_has_not_failed(booking, settings):
    settings.EMAIL_BACKEND = f"{test_delivery.__name__}.Unreachable"
    delivery.attempt(told(booking, "email").pk, 1)
    assert counted("trainerhub.notifications.failed", "channel") == {}


@pytest.mark.parametrize(
    ("phone", "conditions", "status"),
    [
        ("+447700900123", [], "succeeded"),
        ("", [], "failed"),
        ("", [{"field": "price_minor", "operator": "gt", "value": 0}], "skipped"),
    ],
)
def test_a_workflow_that_ends(booking, run_tasks, phone, conditions, status):
    booking.client.phone = phone
    booking.client.save()
    workflows.create_workflow(
        trainer=booking.trainer,
        name="Mine",
        trigger=Workflow.Trigger.BOOKING_CREATED,
        conditions=conditions,
        steps=[{"action": Step.Action.SEND_SMS, "body": "See you"}],
    )
    workflows.trigger(
        trainer=booking.trainer,
        event=Workflow.Trigger.BOOKING_CREATED,
        subject=f"booking:{booking.pk}",
        context={"client_id": booking.client_id, "price_minor": 0},
    )
    run_tasks()
    assert counted("trainerhub.workflows.ended", "status") == {status: 1}


def begin() -> None:
    """Let counters begin, as a process does when it begins to measure."""
    for sampler in buffer._flusher._samplers:
        if "count_signal" in sampler.read.__qualname__:
            sampler.read()


def test_what_may_fail_is_known_before_it_does():
    begin()
    channels = dict.fromkeys(Notification.Channel.values, 0)
    assert counted("trainerhub.notifications.failed", "channel") == channels
    assert counted("trainerhub.notifications.sent", "channel") == channels
    ends = dict.fromkeys(set(Execution.Status.values) - {"running"}, 0)
    assert counted("trainerhub.workflows.ended", "status") == ends


def test_what_may_fail_is_zero_for_prometheus_before_it_does():
    begin()
    recording.flush()
    text = "".join(exposition.render(exposition.read(), False))
    line = 'trainerhub_notifications_failed_total{channel="sms"} 0.0'
    assert line in text.splitlines()
