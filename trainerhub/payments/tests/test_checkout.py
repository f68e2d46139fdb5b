"""Paying online: Stripe is asked once, in bounded time, and never inside a lock."""

from __future__ import annotations

import logging

import pytest
from django.db import connections

from trainerhub.bookings.models import Booking
from trainerhub.payments import services
from trainerhub.payments.checkout import checkout
from trainerhub.payments.errors import (
    NothingDue,
    PaymentInProgress,
    PaymentMethodManual,
    PaymentMethodMissing,
    PaymentRefused,
    ProviderTimeout,
)
from trainerhub.payments.models import Payment
from trainerhub.payments.tests.stripe_server import refusal
from trainerhub.trainers.models import Trainer

URL = "/api/payments/checkout/"
Method = Trainer.PaymentMethod


def set_method(booking: Booking, method: Trainer.PaymentMethod) -> None:
    booking.trainer.payment_method = method
    booking.trainer.save()


def only_payment() -> Payment:
    return Payment.objects.get()


def test_a_client_opens_a_payment(as_bob, booking, stripe_server):
    answer = as_bob.post(URL, {"booking": booking.pk})
    assert answer.status_code == 201
    assert answer.json()["client_secret"] == "pi_1_secret"
    assert answer.json()["payment"]["status"] == "pending"
    assert only_payment().provider_reference == "pi_1"


def test_stripe_is_asked_for_what_is_due(booking, stripe_server):
    services.record(
        client=booking.client,
        booking=booking,
        amount_minor=500,
        method=Payment.Method.CASH,
    )
    checkout(booking=booking)
    (request,) = stripe_server.received
    assert request.path == "/v1/payment_intents"
    assert (request.form["amount"], request.form["currency"]) == ("4000", "gbp")
    assert request.headers["Authorization"] == "Bearer sk_test_made_up"
    assert request.headers["Idempotency-Key"].startswith("payment-")


def test_nothing_that_names_a_person_is_sent(booking, stripe_server):
    checkout(booking=booking)
    assert "Bob" not in str(stripe_server.received[0].form)
    assert "bob@" not in str(stripe_server.received[0].form)


def test_asked_again_it_is_the_same_payment(booking, stripe_server):
    secrets = {checkout(booking=booking).client_secret for _ in range(2)}
    assert secrets == {"pi_1_secret"}
    assert Payment.objects.count() == 1


def test_asked_again_it_is_at_todays_amount(booking, stripe_server):
    checkout(booking=booking)
    services.record(
        client=booking.client,
        booking=booking,
        amount_minor=500,
        method=Payment.Method.CASH,
    )
    assert checkout(booking=booking).payment.amount_minor == 4000
    assert stripe_server.answer.intents["pi_1"]["amount"] == 4000


def test_after_a_declined_card_the_same_payment_is_open_again(booking, stripe_server):
    checkout(booking=booking)
    Payment.objects.update(status="failed", failure_code="card_declined")
    again = checkout(booking=booking)
    assert (again.client_secret, again.payment.status) == ("pi_1_secret", "pending")


def test_a_canceled_payment_is_not_taken_up_again(booking, stripe_server):
    checkout(booking=booking)
    Payment.objects.update(status="failed", failure_code="canceled")
    assert checkout(booking=booking).client_secret == "pi_2_secret"


def test_what_is_being_paid_is_not_opened_again(booking, stripe_server):
    checkout(booking=booking)
    stripe_server.answer.intents["pi_1"]["status"] = "succeeded"
    with pytest.raises(PaymentInProgress):
        checkout(booking=booking)
    assert only_payment().status == "pending"


def test_what_is_paid_is_not_opened(booking, stripe_server):
    booking.price_minor = 0
    booking.save()
    with pytest.raises(NothingDue):
        checkout(booking=booking)
    assert stripe_server.received == []


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_stripe_is_asked(booking, stripe_server):
    # The server answers in a thread of its own, which has another connection.
    ours, answer, inside = connections["default"], stripe_server.answer, []

    def watch(request):
        inside.append(ours.in_atomic_block)
        return answer(request)

    stripe_server.answer = watch
    checkout(booking=booking)
    assert inside == [False]


def test_without_a_payment_method_it_warns_and_refuses(booking, caplog):
    set_method(booking, Method.NONE)
    with pytest.raises(PaymentMethodMissing) as refused:
        checkout(booking=booking)
    assert refused.value.status_code == 409
    assert refused.value.get_codes() == "payment_method_missing"
    (record,) = caplog.records
    assert record.msg == "Payment method not configured for trainer: %s"
    assert record.args == (booking.trainer_id,)
    assert (record.levelno, record.name.partition(".")[0]) == (
        logging.WARNING,
        "trainerhub",
    )


def test_stripe_without_a_key_is_no_payment_method(booking, settings, caplog):
    set_method(booking, Method.STRIPE)
    settings.STRIPE_API_KEY = ""
    with pytest.raises(PaymentMethodMissing):
        checkout(booking=booking)
    assert "Payment method not configured for trainer" in caplog.text


def test_a_trainer_who_is_paid_by_hand_has_no_checkout(booking, caplog):
    with pytest.raises(PaymentMethodManual):
        checkout(booking=booking)
    assert caplog.records == []


def test_the_refusal_is_a_409_in_the_api(as_bob, booking):
    set_method(booking, Method.NONE)
    assert as_bob.post(URL, {"booking": booking.pk}).status_code == 409


def test_to_a_stranger_the_booking_does_not_exist(as_charlie, booking, stripe_server):
    assert as_charlie.post(URL, {"booking": booking.pk}).status_code == 404
    assert stripe_server.received == []


@pytest.mark.parametrize("number", [None, "\0", 0, 2**63, 10**400, {}, [1]])
def test_a_booking_that_makes_no_sense_is_refused(as_bob, number):
    assert as_bob.post(URL, {"booking": number}).status_code == 400


@pytest.mark.parametrize(
    ("status", "body", "expected", "code"),
    [
        (402, refusal("card_error", "card_declined"), 402, "card_declined"),
        (429, refusal("rate_limit_error"), 502, "payment_provider_busy"),
        (500, refusal("api_error"), 502, "payment_provider_failed"),
        (401, refusal("authentication_error"), 502, "payment_provider_failed"),
        (
            400,
            refusal("invalid_request_error", "amount_too_small"),
            502,
            "payment_provider_failed",
        ),
        (
            200,
            {"id": "pi_9", "object": "payment_intent"},
            502,
            "payment_provider_failed",
        ),
        (502, b"<html>bob@example.org", 502, "payment_provider_failed"),
    ],
)
def test_stripes_refusals_are_clear_and_change_nothing(
    booking, stripe_server, caplog, status, body, expected, code
):
    stripe_server.reply(status, body)
    with pytest.raises(PaymentRefused) as refused:
        checkout(booking=booking)
    assert (refused.value.status_code, refused.value.get_codes()) == (expected, code)
    # Asked once: a person waits.
    assert len(stripe_server.received) == 1
    assert only_payment().status == "failed"
    assert Booking.objects.get().status == booking.status
    assert "bob@" not in caplog.text + str(refused.value)


def test_after_a_refusal_the_next_checkout_starts_anew(booking, stripe_server):
    works = stripe_server.answer
    stripe_server.reply(500, refusal("api_error"))
    with pytest.raises(PaymentRefused):
        checkout(booking=booking)
    stripe_server.answer = works
    checkout(booking=booking)
    keys = {request.headers["Idempotency-Key"] for request in stripe_server.received}
    assert len(keys) == 2


def test_stripe_that_hangs_is_left(booking, stripe_server, monkeypatch):
    monkeypatch.setattr("trainerhub.payments.stripe_api.READ_TIMEOUT_SECONDS", 0.2)
    works = stripe_server.answer
    stripe_server.hang()
    with pytest.raises(ProviderTimeout) as refused:
        checkout(booking=booking)
    assert refused.value.status_code == 504
    assert only_payment().status == "pending"
    stripe_server.answer = works
    # The intent that may have been made is taken up: same row, same key.
    assert checkout(booking=booking).payment.pk == only_payment().pk
    keys = {request.headers["Idempotency-Key"] for request in stripe_server.received}
    assert len(keys) == 1


def test_stripe_that_is_down_is_a_502(as_bob, booking, stripe_server, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    assert as_bob.post(URL, {"booking": booking.pk}).status_code == 502


def paid_online(booking: Booking) -> Payment:
    return Payment.objects.create(
        trainer=booking.trainer,
        client=booking.client,
        booking=booking,
        amount_minor=4500,
        currency="GBP",
        method="stripe",
        status="paid",
        provider_reference="pi_1",
    )


def test_a_refund_goes_through_stripe(booking, stripe_server):
    payment = services.refund(payment=paid_online(booking))
    assert payment.status == "refunded"
    assert stripe_server.answer.refunds == ["pi_1"]
    assert stripe_server.received[0].headers["Idempotency-Key"].startswith("refund-")


def test_what_stripe_has_refunded_before_is_refunded(booking, stripe_server):
    stripe_server.answer.refunds.append("pi_1")
    assert services.refund(payment=paid_online(booking)).status == "refunded"


def test_a_refund_that_stripe_refuses_changes_nothing(booking, stripe_server):
    payment = paid_online(booking)
    stripe_server.reply(500, refusal("api_error"))
    with pytest.raises(PaymentRefused):
        services.refund(payment=payment)
    assert only_payment().status == "paid"


def test_stripes_own_log_lines_stay_out(booking, stripe_server, caplog):
    caplog.set_level(logging.DEBUG)
    checkout(booking=booking)
    assert "pi_1_secret" not in caplog.text
