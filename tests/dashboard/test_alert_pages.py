"""The pages of alerting: who watches, what fires, and what people do about it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from spotter.alerts.book import Book
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore
from tests.alerts.kit import World

pytestmark = pytest.mark.django_db
User: Any = get_user_model()


@pytest.fixture
def world(tmp_path, settings):
    settings.SPOTTER = {
        "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
        "FLUSH_SECONDS": 3600.0,
    }
    store = get_store()
    assert isinstance(store, SqlStore)
    made = World(book=Book(store))
    made.now = time.time() - 60
    made.tick(Broken=1)
    return made


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("ann", is_staff=True, password="x")
    for name in permissions:
        user.user_permissions.add(Permission.objects.get(codename=name))
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


BOTH = ("view_dashboard", "respond_to_incidents")


def post(client: Client, action: str, **fields: object):
    page = client.get("/spotter/alerts/").content.decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    return client.post(
        f"/spotter/act/{action}/", {**fields, "csrfmiddlewaretoken": token}
    )


def test_the_page_says_that_nobody_watches(world):
    assert b"Nobody watches" in staff(*BOTH).get("/spotter/alerts/").content
    with world.book.writing() as page:
        page.lead("me", time.time(), 15)
    assert b"Nobody watches" not in Client().get("/spotter/alerts/").content


def test_an_incident_leads_to_its_timeline_and_to_who_was_told(world):
    client = staff(*BOTH)
    listed = client.get("/spotter/alerts/").content.decode()
    assert "Broken is at 1" in listed
    assert "incidents/one/?id=1" in listed
    shown = client.get("/spotter/incidents/one/?id=1").content.decode()
    assert "the incident opened" in shown
    assert "Acknowledge" in shown


def test_an_acknowledgement_is_written_down_with_who_it_was(world):
    client = staff(*BOTH)
    assert post(client, "acknowledge", incident=1).status_code == 302
    assert world.incidents[0].state == "acknowledged"
    assert "acknowledged" in [kind for kind, _ in world.timeline]
    assert post(client, "acknowledge", incident=1).status_code == 400


def test_a_resolution_and_notes_are_kept(world):
    client = staff(*BOTH)
    post(client, "note", incident=1, text="looking")
    post(client, "resolution", incident=1, text="the disk was full")
    assert world.incidents[0].body["resolution"] == "the disk was full"
    assert ("note", "looking") in world.timeline


def test_a_rule_is_muted_and_unmuted(world):
    client = staff(*BOTH)
    post(client, "silence", rule="Broken", minutes=5, reason="we know")
    with world.book.reading() as page:
        (silence,) = page.silences(time.time())
    assert dict(silence.matchers) == {"rule": "Broken"}
    assert b"we know" in client.get("/spotter/alerts/").content
    post(client, "unsilence", silence=silence.id)
    with world.book.reading() as page:
        assert page.silences(time.time()) == []


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("silence", {"rule": "Broken", "minutes": 0, "reason": "x"}),
        ("silence", {"rule": "Broken", "minutes": 43201, "reason": "x"}),
        ("silence", {"rule": "", "minutes": 5, "reason": "x"}),
        ("note", {"incident": 1, "text": "x" * 501}),
        ("note", {"incident": 99, "text": "x"}),
        ("acknowledge", {"incident": "one"}),
        ("unsilence", {"silence": 99}),
    ],
)
def test_bad_input_changes_nothing_and_says_why(world, action, fields):
    answer = post(staff(*BOTH), action, **fields)
    assert answer.status_code == 400
    assert answer.content
    with world.book.reading() as page:
        assert page.silences() == []
    assert [kind for kind, _ in world.timeline] == ["opened", "firing", "sent"]


def test_who_may_only_look_can_do_nothing(world):
    client = staff("view_dashboard")
    assert b"Acknowledge" not in client.get("/spotter/incidents/one/?id=1").content
    client = Client()
    client.force_login(User.objects.get(username="ann"))
    assert client.post("/spotter/act/acknowledge/", {"incident": 1}).status_code == 403
    assert world.incidents[0].state == "open"


def test_nothing_is_done_without_a_csrf_token(world):
    client = staff(*BOTH)
    assert client.post("/spotter/act/acknowledge/", {"incident": 1}).status_code == 403
    assert world.incidents[0].state == "open"


@pytest.mark.parametrize("asked", ["", "99", "x", "9" * 30])
def test_an_incident_that_is_none_says_so(world, asked):
    shown = staff(*BOTH).get(f"/spotter/incidents/one/?id={asked}")
    assert b"There is no such incident" in shown.content


def test_a_channel_that_is_shut_is_shown_with_its_reason_and_what_to_do(world):
    with world.book.writing() as page:
        page.shut("slack", "abc", "answered 404: no_service", time.time() - 600)
    shown = staff(*BOTH).get("/spotter/alerts/").content.decode()
    assert "The channel slack is shut" in shown
    assert "It refused 10 min ago: answered 404: no_service" in shown
    assert "manage.py spotter notify slack" in shown
