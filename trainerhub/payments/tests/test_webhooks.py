"""Stripe's events: signed, taken once, and harmless in any order."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import stripe

from trainerhub.payments.models import Payment, WebhookEvent
from trainerhub.workflows import services as workflows

URL = "/api/payments/webhooks/stripe/"
SECRET = "whsec_made_up"
SUCCEEDED = "payment_intent.succeeded"
FAILED = "payment_intent.payment_failed"
CANCELED = "payment_intent.canceled"
REFUNDED = "charge.refunded"


@pytest.fixture
def payment(booking, settings):
    """A payment of £45 that is open at Stripe."""
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    return Payment.objects.create(
        trainer=booking.trainer,
        client=booking.client,
        booking=booking,
        amount_minor=4500,
        currency="GBP",
        method="stripe",
        provider_reference="pi_1",
    )


def event(kind: str, number: str = "evt_1", **thing: Any) -> str:
    things: dict[str, dict[str, Any]] = {
        SUCCEEDED: {"id": "pi_1", "amount_received": 4500},
        FAILED: {"id": "pi_1", "last_payment_error": {"code": "card_declined"}},
        CANCELED: {"id": "pi_1"},
        REFUNDED: {"id": "ch_1", "payment_intent": "pi_1", "refunded": True},
    }
    body = {
        "id": number,
        "object": "event",
        "type": kind,
        "data": {"object": things.get(kind, {}) | thing},
    }
    return json.dumps(body)


def signature(payload: str, secret: str = SECRET, age_seconds: int = 0) -> str:
    moment = int(time.time()) - age_seconds
    sign = stripe.WebhookSignature.generate_signature_header
    header: str = sign(payload, secret, moment)
    return header


@pytest.fixture
def send(anonymous, payment):
    """Send an event as Stripe does, and give what the payment has become."""

    def send(payload, header=None):
        header = signature(payload) if header is None else header
        answer = anonymous.post(
            URL, payload, content_type="application/json", HTTP_STRIPE_SIGNATURE=header
        )
        assert answer.status_code == 200, answer.content
        payment.refresh_from_db()
        return payment.status

    return send


def test_a_payment_that_succeeded_is_paid(send, payment):
    assert send(event(SUCCEEDED)) == "paid"
    assert payment.paid_at is not None


def test_what_came_is_what_counts(send, payment):
    send(event(SUCCEEDED, amount_received=4000))
    assert payment.amount_minor == 4000


@pytest.mark.parametrize("amount", [None, "many", -1, 0, 2**31])
def test_an_amount_that_makes_no_sense_is_left_out(send, payment, amount):
    assert send(event(SUCCEEDED, amount_received=amount)) == "paid"
    assert payment.amount_minor == 4500


def test_the_same_event_counts_once(send, monkeypatch):
    told = []
    monkeypatch.setattr(workflows, "trigger", lambda **what: told.append(what))
    send(event(SUCCEEDED))
    send(event(SUCCEEDED))
    assert (len(told), WebhookEvent.objects.count()) == (1, 1)


def test_two_events_of_one_success_tell_workflows_once(send, monkeypatch):
    told = []
    monkeypatch.setattr(workflows, "trigger", lambda **what: told.append(what))
    send(event(SUCCEEDED, "evt_1"))
    send(event(SUCCEEDED, "evt_2"))
    assert len(told) == 1


def test_a_declined_card_is_noted(send, payment):
    assert send(event(FAILED)) == "failed"
    assert payment.failure_code == "card_declined"


def test_the_banks_reason_is_the_better_one(send, payment):
    error = {"code": "card_declined", "decline_code": "insufficient_funds"}
    send(event(FAILED, last_payment_error=error))
    assert payment.failure_code == "insufficient_funds"


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([FAILED, SUCCEEDED], "paid"),
        ([SUCCEEDED, FAILED], "paid"),
        ([SUCCEEDED, CANCELED], "paid"),
        ([CANCELED], "failed"),
        ([SUCCEEDED, REFUNDED], "refunded"),
        ([REFUNDED, SUCCEEDED], "refunded"),
        ([REFUNDED, FAILED], "refunded"),
        ([FAILED, REFUNDED, SUCCEEDED], "refunded"),
    ],
)
def test_events_come_in_any_order(send, order, expected):
    for number, kind in enumerate(order):
        status = send(event(kind, f"evt_{number}"))
    assert status == expected


def test_a_part_that_went_back_leaves_it_paid(send):
    send(event(SUCCEEDED))
    assert send(event(REFUNDED, "evt_2", refunded=False)) == "paid"


def test_an_answer_that_never_arrived_is_made_up_for(send, payment):
    Payment.objects.update(provider_reference="")
    metadata = {"payment_id": str(payment.pk)}
    assert send(event(SUCCEEDED, metadata=metadata)) == "paid"
    assert payment.provider_reference == "pi_1"


def test_our_number_on_another_intent_pays_nothing(send, payment):
    metadata = {"payment_id": str(payment.pk)}
    assert send(event(SUCCEEDED, id="pi_2", metadata=metadata)) == "pending"


@pytest.mark.parametrize(
    "thing",
    [
        {"id": "pi_unknown"},
        {"id": None},
        {"id": ["pi_1"]},
        {"id": "pi_x", "metadata": {"payment_id": "²"}},
        {"id": "pi_x", "metadata": {"payment_id": "9" * 40}},
    ],
)
def test_intents_of_others_are_accepted_and_ignored(send, thing):
    assert send(event(SUCCEEDED, **thing)) == "pending"


def test_unknown_events_are_accepted_and_ignored(send):
    assert send(event("customer.created")) == "pending"


@pytest.mark.parametrize("age_seconds", [0, 290])
def test_a_signature_may_be_some_minutes_old(send, age_seconds):
    payload = event(SUCCEEDED)
    assert send(payload, signature(payload, age_seconds=age_seconds)) == "paid"


def header_for(kind: str, payload: str) -> str:
    return {
        "missing": "",
        "nonsense": "x",
        "wrong": signature(payload, "whsec_another"),
        "old": signature(payload, age_seconds=301),
        "of another": signature(payload + " "),
        "not ASCII": signature(payload) + ",v1=\u00e9",
        "huge": "t=" + "9" * 5000 + ",v1=x",
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["missing", "nonsense", "wrong", "old", "of another", "not ASCII", "huge"],
)
def test_what_stripe_did_not_sign_changes_nothing(anonymous, payment, kind):
    payload = event(SUCCEEDED)
    header = header_for(kind, payload)
    answer = anonymous.post(
        URL, payload, content_type="application/json", HTTP_STRIPE_SIGNATURE=header
    )
    payment.refresh_from_db()
    assert (answer.status_code, payment.status) == (400, "pending")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("payload", ["", "[]", "{}", "nonsense", '{"id": 1}', "null"])
def test_what_is_no_event_is_refused_though_signed(anonymous, payment, payload):
    answer = anonymous.post(
        URL,
        payload,
        content_type="application/json",
        HTTP_STRIPE_SIGNATURE=signature(payload),
    )
    assert answer.status_code == 400


def test_bytes_that_are_no_text_are_refused(anonymous, payment):
    answer = anonymous.post(
        URL, b"\xff", content_type="text/plain", HTTP_STRIPE_SIGNATURE="t=1,v1=x"
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("secret", ["", "whsec_made_up"])
def test_without_a_secret_nothing_is_believed(anonymous, payment, settings, secret):
    settings.STRIPE_WEBHOOK_SECRET = ""
    payload = event(SUCCEEDED)
    answer = anonymous.post(
        URL,
        payload,
        content_type="application/json",
        HTTP_STRIPE_SIGNATURE=signature(payload, secret),
    )
    assert answer.status_code == 400
