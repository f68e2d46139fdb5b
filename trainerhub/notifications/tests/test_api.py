"""What a trainer sees of her messages."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import RequestFactory
from rest_framework.test import APIClient

from trainerhub.notifications.models import Notification
from trainerhub.notifications.services import notify

URL = "/api/notifications/"


@pytest.fixture
def messages(alice, bob):
    """An e-mail and a text message to Bob, and one to Alice herself."""
    kinds = [("email", bob), ("sms", bob), ("email", None)]
    for number, (channel, client) in enumerate(kinds):
        notify(
            trainer=alice,
            client=client,
            channel=Notification.Channel(channel),
            recipient="x",
            body="Hello",
            key=str(number),
        )


def count(api: APIClient, **query: str | int) -> int:
    number: int = api.get(URL, query).json()["count"]
    return number


def test_a_trainer_sees_her_own_newest_first(as_alice, messages):
    results = as_alice.get(URL).json()["results"]
    assert [row["channel"] for row in results] == ["email", "sms", "email"]
    assert results[0] | {"client": None, "status": "queued"} == results[0]


def test_a_stranger_sees_none_of_them(as_charlie, messages):
    assert count(as_charlie) == 0


def test_only_trainers_have_such_a_list(as_bob, anonymous):
    assert as_bob.get(URL).status_code == 403
    assert anonymous.get(URL).status_code == 401


@pytest.mark.parametrize(
    ("query", "expected"),
    [({"channel": "sms"}, 1), ({"status": "sent"}, 0), ({"status": "queued"}, 3)],
)
def test_the_list_is_filtered(as_alice, messages, query, expected):
    assert count(as_alice, **query) == expected


def test_the_list_is_filtered_by_client(as_alice, messages, bob):
    assert count(as_alice, client=bob.pk) == 2


@pytest.mark.parametrize(
    "query",
    [
        {"client": "x"},
        {"client": "1.5"},
        {"client": "0"},
        {"client": 2**63},
        {"channel": "\x00"},
        {"status": "lost"},
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(as_alice, query):
    assert as_alice.get(URL, query).status_code == 400


def test_the_largest_number_of_a_client_has_no_messages(as_alice, messages):
    assert count(as_alice, client=2**63 - 1) == 0


def test_the_number_of_queries_does_not_grow(
    as_alice, messages, django_assert_num_queries, django_assert_max_num_queries
):
    with django_assert_max_num_queries(10) as many:
        as_alice.get(URL)
    Notification.objects.exclude(key="2").delete()
    with django_assert_num_queries(len(many)):
        as_alice.get(URL)


def test_staff_read_the_record_and_change_nothing(rf: RequestFactory, admin_user):
    page = admin.site.get_model_admin(Notification)
    request = rf.get("/")
    request.user = admin_user
    assert page.has_view_permission(request)
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
