"""Payments that a trainer records and refunds by hand, and who sees them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Package
from trainerhub.payments import selectors, services
from trainerhub.payments.errors import ExceedsDue, NothingDue, WrongStatus
from trainerhub.payments.models import Payment
from trainerhub.workflows import services as workflows
from trainerhub.workflows.models import Workflow

URL = "/api/payments/"
CASH = Payment.Method.CASH


@pytest.fixture
def package(bob):
    """Ten sessions that Bob bought for £400."""
    return Package.objects.create(
        client=bob,
        name="Ten",
        sessions_total=10,
        sessions_left=10,
        price_minor=40000,
        currency="GBP",
    )


@pytest.fixture
def paid(booking):
    """Bob's session, paid in cash."""
    return services.record(
        client=booking.client, booking=booking, amount_minor=4500, method=CASH
    )


def pay(booking: Booking, amount_minor: int) -> Payment:
    return services.record(
        client=booking.client, booking=booking, amount_minor=amount_minor, method=CASH
    )


def test_a_trainer_records_what_she_took(as_alice, booking):
    wanted = {"booking": booking.pk, "amount_minor": 4500, "method": "card"}
    answer = as_alice.post(URL, wanted)
    assert answer.status_code == 201
    expected = {
        "client": booking.client_id,
        "amount_minor": 4500,
        "currency": "GBP",
        "method": "card",
        "status": "paid",
    }
    assert answer.json() | expected == answer.json()
    assert answer.json()["paid_at"] is not None


def test_workflows_are_told_of_money_that_came_in(booking, monkeypatch):
    told = []
    monkeypatch.setattr(workflows, "trigger", lambda **what: told.append(what))
    payment = pay(booking, 4500)
    (what,) = told
    assert what["event"] == Workflow.Trigger.PAYMENT_RECEIVED
    assert what["subject"] == f"payment:{payment.pk}"
    assert what["context"]["amount_minor"] == 4500


@pytest.mark.parametrize("amount", [1, 4499, 4500])
def test_up_to_what_is_due_is_taken(booking, amount):
    assert pay(booking, amount).amount_minor == amount
    assert selectors.due_for_booking(booking) == 4500 - amount


def test_more_than_is_due_is_refused_and_says_what_is_due(booking):
    with pytest.raises(ExceedsDue, match=r"Only 45\.00 GBP is due") as refusal:
        pay(booking, 4501)
    assert (refusal.value.status_code, refusal.value.get_codes()) == (
        409,
        "exceeds_due",
    )
    assert not Payment.objects.exists()


def test_parts_add_up(booking):
    pay(booking, 4000)
    with pytest.raises(ExceedsDue, match=r"Only 5\.00 GBP"):
        pay(booking, 501)
    assert pay(booking, 500).amount_minor == 500


def test_what_is_paid_is_not_paid_again(booking, paid):
    with pytest.raises(NothingDue):
        pay(booking, 1)


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({}, 4500),
        ({"status": "completed"}, 4500),
        ({"status": "cancelled"}, 0),
        ({"status": "cancelled", "cancellation_fee_minor": 2250}, 2250),
        ({"status": "no_show", "cancellation_fee_minor": 2250}, 2250),
        ({"price_minor": 0}, 0),
    ],
)
def test_what_is_due_depends_on_what_became_of_the_session(booking, changes, due):
    Booking.objects.update(**changes)
    booking.refresh_from_db()
    assert selectors.due_for_booking(booking) == due


def test_a_session_of_a_package_is_paid_already(booking, package):
    booking.package = package
    booking.save()
    assert selectors.due_for_booking(booking) == 0


def test_a_client_owes_sessions_and_packages(booking, package, bob):
    assert selectors.due_from_client(bob, "GBP") == 44500
    pay(booking, 500)
    assert selectors.due_from_client(bob, "GBP") == 44000
    assert selectors.due_from_client(bob, "EUR") == 0


def test_a_client_pays_without_naming_what(as_alice, bob, package):
    wanted = {"client": bob.pk, "amount_minor": 40000, "method": "bank_transfer"}
    assert as_alice.post(URL, wanted).status_code == 201
    assert as_alice.post(URL, wanted | {"amount_minor": 1}).status_code == 409


def test_what_a_client_paid_without_naming_it_is_not_taken_for_a_session(booking, bob):
    services.record(client=bob, amount_minor=4500, method=CASH)
    assert selectors.due_for_booking(booking) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_minor": 0},
        {"amount_minor": -1},
        {"amount_minor": 1.5},
        {"amount_minor": 2**31},
        {"amount_minor": 10**400},
        {"amount_minor": "much"},
        {"amount_minor": None},
        {"method": "stripe"},
        {"method": "gold"},
        {"method": "\0"},
        {"booking": None},
        {"booking": "\0"},
        {"booking": 2**63},
        {"booking": [1]},
        {"client": 1},
    ],
)
def test_what_makes_no_sense_is_refused(as_alice, booking, changes):
    wanted = {"booking": booking.pk, "amount_minor": 100, "method": "cash"}
    assert as_alice.post(URL, wanted | changes).status_code == 400
    assert not Payment.objects.exists()


@pytest.mark.parametrize("kind", ["booking", "client"])
def test_a_stranger_records_nothing_for_others(as_charlie, booking, kind):
    number = {"booking": booking.pk, "client": booking.client_id}[kind]
    wanted = {kind: number, "amount_minor": 100, "method": "cash"}
    assert as_charlie.post(URL, wanted).status_code == 404


def test_a_client_records_nothing(as_bob, booking):
    wanted = {"booking": booking.pk, "amount_minor": 100, "method": "cash"}
    assert as_bob.post(URL, wanted).status_code == 403


def test_trainer_and_client_see_it_and_a_stranger_does_not(
    as_alice, as_bob, as_charlie, anonymous, paid
):
    path = f"{URL}{paid.pk}/"
    clients = [as_alice, as_bob, as_charlie, anonymous]
    assert [one.get(path).status_code for one in clients] == [200, 200, 404, 401]
    assert [one.get(URL).json()["count"] for one in clients[:3]] == [1, 1, 0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "paid"}, 1),
        ({"status": "pending"}, 0),
        ({"method": "cash"}, 1),
        ({"method": "card"}, 0),
        ({"client": 2**63 - 1}, 0),
        ({"booking": 2**63 - 1}, 0),
        ({"from": "2020-01-01"}, 1),
        ({"from": "2100-12-31"}, 0),
        ({"to": "2020-01-01"}, 0),
        ({"to": "2100-12-31"}, 1),
    ],
)
def test_the_list_is_filtered(as_alice, paid, query, expected):
    assert as_alice.get(URL, query).json()["count"] == expected


def test_days_of_a_filter_are_included(as_alice, paid):
    today = timezone.now().astimezone(dt.UTC).date().isoformat()
    query = {"from": today, "to": today, "booking": paid.booking_id}
    assert as_alice.get(URL, query).json()["count"] == 1


@pytest.mark.parametrize(
    "query",
    [{"client": "x"}, {"booking": 2**63}, {"from": "0001-01-01"}, {"to": "9999-12-31"}],
)
def test_a_filter_that_makes_no_sense_is_refused(as_alice, query):
    assert as_alice.get(URL, query).status_code == 400


def test_the_number_of_queries_does_not_grow(
    as_alice, booking, django_assert_max_num_queries
):
    pay(booking, 1)
    with django_assert_max_num_queries(10) as few:
        as_alice.get(URL)
    for _ in range(5):
        pay(booking, 1)
    with django_assert_max_num_queries(len(few)):
        as_alice.get(URL)


def test_a_refund_by_hand_is_noted_and_the_session_is_due_again(
    as_alice, booking, paid
):
    answer = as_alice.post(f"{URL}{paid.pk}/refund/")
    assert (answer.status_code, answer.json()["status"]) == (200, "refunded")
    assert selectors.due_for_booking(booking) == 4500


@pytest.mark.parametrize("status", ["pending", "failed", "refunded"])
def test_only_what_was_paid_is_refunded(paid, status):
    paid.status = status
    with pytest.raises(WrongStatus, match=status) as refusal:
        services.refund(payment=paid)
    assert refusal.value.get_codes() == "wrong_status"


def test_only_the_trainer_refunds(as_bob, as_charlie, paid):
    path = f"{URL}{paid.pk}/refund/"
    assert as_bob.post(path).status_code == 403
    assert as_charlie.post(path).status_code == 404
    paid.refresh_from_db()
    assert paid.status == "paid"


@pytest.mark.parametrize("page", ["payment", "webhookevent"])
def test_staff_look_at_payments(admin_client, paid, page):
    assert admin_client.get(f"/admin/payments/{page}/").status_code == 200
    assert admin_client.get(f"/admin/payments/{page}/add/").status_code == 403
