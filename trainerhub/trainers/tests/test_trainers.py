"""Finding a trainer, and being one."""

from __future__ import annotations

from typing import Any

import pytest

from trainerhub.bookings.services import book_for_client
from trainerhub.trainers.models import Trainer

OWN = "/api/trainers/me/"
HOUR = {"name": "Hour", "duration_minutes": 60, "price_minor": 4500}
WEEKDAY = {"weekday": 0, "opens": "09:00", "closes": "17:00"}
DAY_OFF = {"date": "2030-12-25", "reason": "Christmas"}
OWNED: list[tuple[str, Any]] = [("services", HOUR), ("availabilities", WEEKDAY)]
OWNED += [("availability-exceptions", DAY_OFF)]


def test_listed_trainers_are_found_by_city_and_name(as_bob, alice, charlie):
    for query in ("city=london", "search=strength"):
        results = as_bob.get(f"/api/trainers/?{query}").json()["results"]
        assert [one["id"] for one in results] == [alice.pk]


def test_an_unlisted_trainer_is_seen_by_her_clients_alone(as_bob, as_charlie, alice):
    Trainer.objects.filter(pk=alice.pk).update(is_listed=False)
    assert as_charlie.get(f"/api/trainers/{alice.pk}/").status_code == 404
    assert as_bob.get(f"/api/trainers/{alice.pk}/").status_code == 200
    assert as_bob.get("/api/trainers/?search=alice").json()["count"] == 0


def test_nothing_personal_is_shown_of_a_trainer(as_bob, alice):
    answer = as_bob.get(f"/api/trainers/{alice.pk}/")
    assert "example.org" not in answer.content.decode()


def test_a_user_becomes_a_trainer_once(as_bob):
    profile = {"business_name": "Bob Boxing", "time_zone": "Europe/Paris"}
    assert as_bob.post(OWN, profile).status_code == 201
    assert as_bob.post(OWN, profile).json()["code"] == "profile_exists"


@pytest.mark.parametrize(
    "bad",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"currency": "gbp"},
        {"late_cancellation_percent": 101},
        {"cancellation_notice_hours": 337},
        {"business_name": "\x00"},
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(as_alice, bad):
    answer = as_alice.patch(OWN, bad)
    assert answer.json()["errors"][0]["field"] == next(iter(bad))


@pytest.mark.parametrize(("kind", "body"), OWNED)
def test_what_a_trainer_owns_no_stranger_sees_or_touches(
    as_alice, as_charlie, as_bob, kind, body
):
    created = as_alice.post(f"/api/{kind}/", body)
    url = f"/api/{kind}/{created.json()['id']}/"
    assert as_alice.get(url).status_code == 200
    for ask in (as_charlie.get, as_charlie.patch, as_charlie.delete):
        assert ask(url).status_code == 404
    assert as_bob.get(url).status_code == 403


@pytest.mark.parametrize(("kind", "body"), OWNED)
def test_a_trainer_changes_and_deletes_her_own(as_alice, kind, body):
    url = f"/api/{kind}/{as_alice.post(f'/api/{kind}/', body).json()['id']}/"
    name, value = next(iter(body.items()))
    assert as_alice.patch(url, {name: value}).json()[name] == value
    assert as_alice.delete(url).status_code == 204


@pytest.mark.parametrize(
    ("minutes", "status"), [(4, 400), (5, 201), (480, 201), (481, 400), (10**30, 400)]
)
def test_a_service_lasts_5_to_480_minutes(as_alice, minutes, status):
    answer = as_alice.post("/api/services/", HOUR | {"duration_minutes": minutes})
    assert answer.status_code == status


@pytest.mark.parametrize("closes", ["09:00", "08:59"])
def test_closing_follows_opening(as_alice, closes):
    answer = as_alice.post("/api/availabilities/", WEEKDAY | {"closes": closes})
    assert answer.json()["errors"][0]["field"] == "closes"


def test_an_exception_has_both_hours_or_none(as_alice):
    answer = as_alice.post(
        "/api/availability-exceptions/", DAY_OFF | {"opens": "09:00"}
    )
    assert answer.status_code == 400


def test_a_date_has_one_exception(as_alice):
    codes = [
        as_alice.post("/api/availability-exceptions/", DAY_OFF).status_code
        for _ in range(2)
    ]
    assert codes == [201, 400]


def test_a_service_with_bookings_is_kept(as_alice, alice, bob, service, starts_at):
    book_for_client(trainer=alice, client=bob, service=service, starts_at=starts_at)
    answer = as_alice.delete(f"/api/services/{service.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")


def test_only_active_services_are_offered(as_bob, as_alice, alice, service):
    url = f"/api/trainers/{alice.pk}/services/"
    assert as_bob.get(url).json()["count"] == 1
    as_alice.patch(f"/api/services/{service.pk}/", {"is_active": False})
    assert as_bob.get(url).json()["count"] == 0
