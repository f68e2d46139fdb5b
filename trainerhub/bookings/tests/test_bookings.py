"""Booking a session through the API, and everything that may follow."""

from __future__ import annotations

import datetime as dt
import json
import logging

import pytest
import time_machine
from django.utils import timezone

from trainerhub.bookings import services
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client, Package
from trainerhub.trainers.models import Availability, AvailabilityException, Service
from trainerhub.workflows import services as workflows

URL = "/api/bookings/"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def wanted(service, starts_at):
    return {"service": service.pk, "starts_at": starts_at.isoformat()}


@pytest.fixture
def package(bob):
    return Package.objects.create(
        client=bob,
        name="Ten",
        sessions_total=10,
        sessions_left=10,
        price_minor=40000,
        currency="GBP",
    )


@pytest.fixture
def pending(service, bob, starts_at):
    return services.book_for_oneself(
        user=bob.user, service=service, starts_at=starts_at
    )


@pytest.fixture
def confirmed(alice, service, bob, starts_at):
    return services.book_for_client(
        trainer=alice, client=bob, service=service, starts_at=starts_at
    )


def test_a_client_asks_for_a_session_at_todays_price(as_bob, bob, wanted):
    answer = as_bob.post(URL, wanted)
    assert answer.status_code == 201
    assert {
        "status": "pending",
        "client": bob.pk,
        "price_minor": 4500,
        "currency": "GBP",
    }.items() <= answer.json().items()


def test_a_trainer_books_for_a_client_and_it_is_confirmed(as_alice, bob, wanted):
    answer = as_alice.post(URL, wanted | {"client": bob.pk})
    assert (answer.status_code, answer.json()["status"]) == (201, "confirmed")


def test_a_stranger_who_books_becomes_a_client(as_charlie, charlie, alice, wanted):
    assert as_charlie.post(URL, wanted).status_code == 201
    assert alice.clients.get().user == charlie.user


def test_a_record_with_the_users_address_is_not_taken_over(
    as_charlie, charlie, alice, wanted
):
    Client.objects.create(trainer=alice, full_name="?", email=charlie.user.email)
    assert as_charlie.post(URL, wanted).status_code == 201
    assert alice.clients.get(user=charlie.user).email == ""


def test_a_taken_slot_is_a_conflict(as_bob, confirmed, wanted):
    answer = as_bob.post(URL, wanted)
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")


@pytest.mark.parametrize(
    ("minutes", "status"), [(-60, 201), (-59, 409), (59, 409), (60, 201)]
)
def test_sessions_may_touch_but_not_overlap(
    as_bob, confirmed, wanted, starts_at, minutes, status
):
    other = starts_at + dt.timedelta(minutes=minutes)
    answer = as_bob.post(URL, wanted | {"starts_at": other.isoformat()})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("hours", "status"), [(-2, 400), (-1, 201), (0, 201), (6, 201), (7, 400)]
)
def test_a_session_lies_within_the_hours(as_bob, wanted, starts_at, hours, status):
    """Alice works from 9 to 17, and `starts_at` is at 10."""
    other = starts_at + hours * HOUR
    answer = as_bob.post(URL, wanted | {"starts_at": other.isoformat()})
    assert answer.status_code == status


@pytest.mark.parametrize("days", [-14, 400])
def test_the_past_and_the_far_future_cannot_be_booked(as_bob, wanted, starts_at, days):
    other = starts_at + dt.timedelta(days=days)
    answer = as_bob.post(URL, wanted | {"starts_at": other.isoformat()})
    assert answer.json()["errors"][0]["field"] == "starts_at"


def test_a_day_off_cannot_be_booked(as_bob, alice, wanted, starts_at):
    AvailabilityException.objects.create(trainer=alice, date=starts_at.date())
    assert as_bob.post(URL, wanted).status_code == 400


@pytest.mark.parametrize(
    "bad",
    [
        {"service": 999_999},
        {"service": 10**30},
        {"service": "\ud800"},
        {"starts_at": "0001-01-01T00:00:00+14:00"},
        {"starts_at": "9999-12-31T23:59:59-14:00"},
        {"starts_at": "2030-01-01T09:00:00"},
        {"message": "\x00"},
        {"message": "\ud800"},
        {"package": 999_999},
        {"client": 1},
        {"starts_at": []},
    ],
)
def test_bad_input_is_a_400_and_books_nothing(as_bob, wanted, bad):
    # Written here, since the test client cannot write a lone surrogate.
    body = json.dumps(wanted | bad)
    answer = as_bob.post(URL, body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not Booking.objects.exists()


def test_a_trainer_names_a_client_of_her_own(as_alice, charlie, wanted):
    other = Client.objects.create(trainer=charlie, full_name="Dora")
    assert as_alice.post(URL, wanted).status_code == 400
    assert as_alice.post(URL, wanted | {"client": other.pk}).status_code == 400


def test_a_client_who_was_made_inactive_books_no_more(as_bob, bob, wanted):
    Client.objects.filter(pk=bob.pk).update(is_active=False)
    assert as_bob.post(URL, wanted).json()["code"] == "client_inactive"


def test_a_service_that_is_no_longer_offered_cannot_be_booked(as_bob, service, wanted):
    Service.objects.filter(pk=service.pk).update(is_active=False)
    assert as_bob.post(URL, wanted).status_code == 400


def test_a_package_pays_for_the_session(as_bob, package, wanted):
    answer = as_bob.post(URL, wanted | {"package": package.pk})
    package.refresh_from_db()
    assert (answer.json()["price_minor"], package.sessions_left) == (0, 9)


@pytest.mark.parametrize("days", [-1, 0])
def test_a_package_is_good_until_the_day_it_expires(
    as_bob, package, wanted, starts_at, days
):
    package.expires_on = starts_at.date() + dt.timedelta(days=days)
    package.save()
    answer = as_bob.post(URL, wanted | {"package": package.pk})
    assert answer.status_code == (201 if days == 0 else 400)


def test_a_booking_that_fails_uses_no_package(as_bob, package, confirmed, wanted):
    assert as_bob.post(URL, wanted | {"package": package.pk}).status_code == 409
    package.refresh_from_db()
    assert package.sessions_left == 10


def test_a_booking_is_logged_with_ids_and_nothing_personal(as_bob, wanted, caplog):
    with caplog.at_level(logging.INFO, "trainerhub"):
        booking = as_bob.post(URL, wanted).json()
    (record,) = [one for one in caplog.records if one.message == "Booking created"]
    ids = (record.trainer_id, record.client_id, record.booking_id)
    assert ids == (booking["trainer"], booking["client"], booking["id"])
    assert "example.org" not in str(vars(record))


@pytest.mark.parametrize(
    ("event", "change"),
    [("booking.created", None), ("booking.cancelled", services.cancel)],
)
def test_workflows_are_told(confirmed, alice, bob, monkeypatch, event, change):
    told = []
    monkeypatch.setattr(workflows, "trigger", lambda **what: told.append(what))
    if change is None:
        services.book_for_client(
            trainer=alice,
            client=bob,
            service=confirmed.service,
            starts_at=confirmed.ends_at,
        )
    else:
        change(booking=confirmed, by=alice.user)
    assert [one["event"] for one in told] == [event]
    assert told[0]["context"]["client_name"] == "Bob"


def test_a_trainer_confirms_once(as_alice, pending):
    url = f"{URL}{pending.pk}/confirm/"
    assert as_alice.post(url).json()["status"] == "confirmed"
    again = as_alice.post(url)
    assert (again.status_code, again.json()["code"]) == (409, "wrong_status")


@pytest.mark.parametrize("step", ["confirm", "complete", "no-show"])
def test_a_client_cannot_do_the_trainers_part(as_bob, pending, step):
    assert as_bob.post(f"{URL}{pending.pk}/{step}/").status_code == 403


@pytest.mark.parametrize("step", ["", "confirm/", "complete/", "cancel/", "no-show/"])
def test_a_strangers_booking_does_not_exist(as_charlie, pending, step):
    url = f"{URL}{pending.pk}/{step}"
    answer = as_charlie.post(url) if step else as_charlie.get(url)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("step", "status", "fee"),
    [("complete", "completed", 0), ("no-show", "no_show", 2250)],
)
def test_what_became_of_a_session_is_told_once_it_has_begun(
    as_alice, confirmed, step, status, fee
):
    url = f"{URL}{confirmed.pk}/{step}/"
    assert as_alice.post(url).json()["code"] == "wrong_status"
    with time_machine.travel(confirmed.starts_at, tick=False):
        answer = as_alice.post(url).json()
    assert (answer["status"], answer["cancellation_fee_minor"]) == (status, fee)


@pytest.mark.parametrize(
    ("notice", "fee", "left"),
    [(24 * HOUR, 0, 10), (24 * HOUR - dt.timedelta(seconds=1), 2250, 9)],
)
def test_a_clients_late_cancellation_costs(
    as_bob, confirmed, package, notice, fee, left
):
    Booking.objects.filter(pk=confirmed.pk).update(package=package)
    Package.objects.update(sessions_left=9)
    with time_machine.travel(confirmed.starts_at - notice, tick=False):
        answer = as_bob.post(f"{URL}{confirmed.pk}/cancel/").json()
    package.refresh_from_db()
    assert (answer["cancellation_fee_minor"], package.sessions_left) == (fee, left)


def test_a_trainer_cancels_for_nothing_and_frees_the_time(
    as_alice, as_bob, confirmed, wanted
):
    with time_machine.travel(confirmed.starts_at - HOUR, tick=False):
        answer = as_alice.post(f"{URL}{confirmed.pk}/cancel/").json()
        assert (answer["status"], answer["cancellation_fee_minor"]) == ("cancelled", 0)
        assert as_bob.post(URL, wanted).status_code == 201


def test_each_sees_their_own(as_alice, as_bob, as_charlie, confirmed):
    counts = [one.get(URL).json()["count"] for one in (as_alice, as_bob, as_charlie)]
    assert counts == [1, 1, 0]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=confirmed", 1),
        ("status=cancelled", 0),
        ("client=999", 0),
        ("service=999", 0),
        ("from={day}&to={day}", 1),
        ("from={next_day}", 0),
        ("to={day_before}", 0),
    ],
)
def test_a_list_is_narrowed(as_alice, confirmed, query, count):
    day = confirmed.starts_at.date()
    days = {
        "day": day,
        "next_day": day + dt.timedelta(1),
        "day_before": day - dt.timedelta(1),
    }
    assert as_alice.get(f"{URL}?{query.format(**days)}").json()["count"] == count


@pytest.mark.parametrize(
    "query",
    [
        "status=x",
        "client=x",
        "client=\x00",
        "client=9223372036854775808",
        f"service={10**30}",
        "from=9999-12-31",
        "from=0001-01-01",
        "to=x",
    ],
)
def test_a_filter_that_makes_no_sense_is_a_400(as_alice, query):
    assert as_alice.get(f"{URL}?{query}").json()["code"] == "invalid"


def test_a_list_takes_the_same_queries_however_long(
    as_alice, alice, service, django_assert_num_queries, starts_at
):
    def add(hour: int) -> None:
        client = Client.objects.create(trainer=alice, full_name=f"Client {hour}")
        services.book_for_client(
            trainer=alice,
            client=client,
            service=service,
            starts_at=starts_at + hour * HOUR,
        )

    add(0)
    # Token, count, page.
    with django_assert_num_queries(3):
        as_alice.get(URL)
    for hour in range(1, 5):
        add(hour)
    with django_assert_num_queries(3):
        assert as_alice.get(URL).json()["count"] == 5


def test_slots_leave_out_what_is_taken(as_bob, alice, confirmed):
    day = confirmed.starts_at.date()
    query = f"service={confirmed.service_id}&from={day}&to={day}"
    answer = as_bob.get(f"/api/trainers/{alice.pk}/slots/?{query}").json()
    starts = [dt.datetime.fromisoformat(one["starts_at"]) for one in answer["results"]]
    # 29 quarters of an hour from 9 to 16; seven of them overlap, from 9:15 to 10:45.
    assert len(starts) == 22
    assert confirmed.ends_at in starts
    assert confirmed.starts_at not in starts


@pytest.mark.parametrize(
    ("days", "status"), [(-1, 400), (0, 200), (30, 200), (31, 400)]
)
def test_at_most_31_days_of_slots_are_given(as_bob, alice, service, days, status):
    first = timezone.now().date()
    last = first + dt.timedelta(days=days)
    query = f"service={service.pk}&from={first}&to={last}"
    answer = as_bob.get(f"/api/trainers/{alice.pk}/slots/?{query}")
    assert answer.status_code == status


def test_every_slot_that_is_offered_can_be_booked(as_bob, alice, service):
    Availability.objects.filter(trainer=alice).exclude(weekday=2).delete()
    first = timezone.now().date()
    query = f"service={service.pk}&from={first}&to={first + dt.timedelta(days=8)}"
    url = f"/api/trainers/{alice.pk}/slots/?{query}"
    booked = 0
    while free := as_bob.get(url).json()["results"]:
        wanted = {"service": service.pk, "starts_at": free[0]["starts_at"]}
        assert as_bob.post(URL, wanted).status_code == 201
        booked += 1
    assert booked >= 8


def test_the_summary_counts_by_service_and_week(
    as_alice, alice, service, bob, starts_at
):
    rows = [("completed", 4500, 0), ("completed", 4500, 0), ("cancelled", 4500, 2250)]
    for days, (status, price, fee) in enumerate(rows):
        start = starts_at + dt.timedelta(days=days)
        Booking.objects.create(
            trainer=alice,
            client=bob,
            service=service,
            starts_at=start,
            ends_at=start + HOUR,
            status=status,
            price_minor=price,
            currency="GBP",
            cancellation_fee_minor=fee,
        )
    first = starts_at.date()
    query = f"from={first}&to={first + dt.timedelta(days=6)}"
    assert as_alice.get(f"{URL}summary/?{query}").json()["results"] == [
        {
            "service": service.pk,
            "service_name": "Personal training",
            "week": str(first),
            "currency": "GBP",
            "sessions": 2,
            "upcoming": 0,
            "cancelled": 1,
            "no_shows": 0,
            "revenue_minor": 11250,
        }
    ]


def test_the_summary_is_one_query(as_alice, confirmed, django_assert_num_queries):
    # Token, trainer, report.
    with django_assert_num_queries(3):
        as_alice.get(f"{URL}summary/?to=2100-01-01&from=2099-06-01")


def test_the_summary_is_for_trainers(as_bob):
    assert as_bob.get(f"{URL}summary/").json()["code"] == "trainer_required"


@pytest.mark.parametrize(("days", "status"), [(365, 200), (366, 400), (-1, 400)])
def test_the_summary_spans_at_most_a_year(as_alice, days, status):
    last = dt.date(2026, 1, 1) + dt.timedelta(days=days)
    answer = as_alice.get(f"{URL}summary/?from=2026-01-01&to={last}")
    assert answer.status_code == status
