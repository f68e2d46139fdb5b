"""A trainer's clients, notes and packages, and nobody else's."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from trainerhub.bookings.services import book_for_client
from trainerhub.clients import services
from trainerhub.clients.models import Client
from trainerhub.workflows import services as workflows

URL = "/api/clients/"
TEN: Any = {"name": "Ten", "sessions_total": 10, "price_minor": 40000}


def test_a_trainer_adds_a_client_and_workflows_are_told(as_alice, monkeypatch):
    told = []
    monkeypatch.setattr(workflows, "trigger", lambda **what: told.append(what))
    client = as_alice.post(URL, {"full_name": "Dora", "email": "d@example.org"}).json()
    assert told[0]["subject"] == f"client:{client['id']}"
    assert as_alice.get(f"{URL}{client['id']}/").json()["full_name"] == "Dora"


def test_two_clients_of_a_trainer_do_not_share_an_address(as_alice, bob, as_charlie):
    twin = {"full_name": "Bob", "email": "BOB@example.org"}
    assert as_alice.post(URL, twin).json()["errors"][0]["field"] == "email"
    assert as_charlie.post(URL, twin).status_code == 201


@pytest.mark.parametrize("below", ["", "notes/", "packages/"])
def test_a_strangers_client_does_not_exist(as_charlie, bob, below):
    assert as_charlie.get(f"{URL}{bob.pk}/{below}").status_code == 404


@pytest.mark.parametrize(
    ("below", "body"), [("notes/", {"body": "x"}), ("packages/", TEN)]
)
def test_a_stranger_adds_nothing_to_a_client(as_charlie, bob, below, body):
    assert as_charlie.post(f"{URL}{bob.pk}/{below}", body).status_code == 404


def test_a_stranger_changes_and_deletes_nothing(as_charlie, bob):
    assert as_charlie.patch(f"{URL}{bob.pk}/", {"full_name": "x"}).status_code == 404
    assert as_charlie.delete(f"{URL}{bob.pk}/").status_code == 404


def test_clients_are_for_trainers(as_bob):
    answer = as_bob.get(URL)
    assert (answer.status_code, answer.json()["code"]) == (403, "trainer_required")


def test_the_balance_counts_what_can_still_be_used(as_alice, bob):
    today = timezone.now().date()
    for days in (-1, 0):
        expires_on = today + dt.timedelta(days=days)
        services.sell_package(client=bob, **TEN, expires_on=expires_on)
    services.sell_package(client=bob, **TEN)
    assert as_alice.get(f"{URL}{bob.pk}/").json()["package_balance"] == 20


@pytest.mark.parametrize("total", [0, 501, 10**30, "x"])
def test_a_package_has_a_sensible_size(as_alice, bob, total):
    answer = as_alice.post(f"{URL}{bob.pk}/packages/", TEN | {"sessions_total": total})
    assert answer.status_code == 400


def test_notes_are_kept_newest_first(as_alice, bob):
    for body in ("first", "second"):
        as_alice.post(f"{URL}{bob.pk}/notes/", {"body": body})
    notes = as_alice.get(f"{URL}{bob.pk}/notes/").json()["results"]
    assert [note["body"] for note in notes] == ["second", "first"]


def test_a_client_with_a_history_is_kept(as_alice, alice, bob, service, starts_at):
    book_for_client(trainer=alice, client=bob, service=service, starts_at=starts_at)
    assert as_alice.delete(f"{URL}{bob.pk}/").json()["code"] == "in_use"
    assert Client.objects.filter(pk=bob.pk).exists()


def test_a_client_without_a_history_is_deleted(as_alice, bob):
    assert as_alice.delete(f"{URL}{bob.pk}/").status_code == 204


def test_a_list_takes_the_same_queries_however_long(
    as_alice, alice, bob, django_assert_num_queries
):
    for number in range(5):
        Client.objects.create(trainer=alice, full_name=f"Client {number}")
    # Token, trainer, count, page.
    with django_assert_num_queries(4):
        assert as_alice.get(URL).json()["count"] == 6
