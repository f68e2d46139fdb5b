"""An operator tells the public: of an incident, and of maintenance."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from spotter.alerts.announcements import maintenance, public_incidents
from spotter.alerts.matchers import written
from tests.dashboard.test_alert_pages import BOTH, book, post, staff, world
from tests.statuspage.conftest import PAGE

__all__ = ["book", "world"]
pytestmark = pytest.mark.django_db
User: Any = get_user_model()


@pytest.fixture
def public(world, settings):
    """A world with a status page."""
    settings.SPOTTER = {**settings.SPOTTER, "STATUS_PAGE": dataclasses.replace(PAGE)}
    return world


def told(world):
    with world.book.reading() as page:
        return public_incidents(page, 0.0)


def windows(world):
    with world.book.reading() as page:
        return maintenance(page, 0.0)


def announce(client, **changes):
    fields = {
        "incident": 1,
        "state": "investigating",
        "title": "Slow",
        "text": "We look.",
    }
    return post(client, "announce", **{**fields, **changes})


def test_an_update_is_told_and_written_into_the_timeline(public):
    client = staff(*BOTH)
    assert (
        "Tell the public" in client.get("/spotter/incidents/one/?id=1").content.decode()
    )
    assert announce(client).status_code == 302
    announce(client, state="identified", text="Found.")
    (incident,) = told(public)
    assert [each.state for each in incident.updates] == ["investigating", "identified"]
    assert ("announced", "Slow: identified. Found.") in public.timeline
    # The title that was chosen is there for the next update.
    assert 'value="Slow"' in client.get("/spotter/incidents/one/?id=1").content.decode()


def test_without_a_status_page_there_is_no_form(world):
    client = staff(*BOTH)
    assert b"Tell the public" not in client.get("/spotter/incidents/one/?id=1").content
    assert b"Plan maintenance" not in client.get("/spotter/silences/").content


@pytest.mark.parametrize(
    "changes",
    [
        {"incident": 99},
        {"state": "fine"},
        {"title": ""},
        {"text": ""},
        {"text": "x" * 2001},
    ],
)
def test_a_wrong_update_tells_nobody(public, changes):
    answer = announce(staff(*BOTH), **changes)
    assert (answer.status_code, bool(answer.content)) == (400, True)
    assert told(public) == []


def test_who_may_only_look_tells_nobody(public):
    client = staff("view_dashboard")
    assert announce(client).status_code == 403
    assert b"Tell the public" not in client.get("/spotter/incidents/one/?id=1").content
    assert Client().post("/spotter/act/maintain/").status_code == 302
    assert told(public) == []


def plan(client, **changes):
    starts = time.strftime("%Y-%m-%d %H:%M", time.gmtime(time.time() + 7200))
    fields = {"title": "New disks", "starts": starts, "minutes": 30, "rule": "Broken"}
    return post(client, "maintain", **{**fields, **changes})


def test_planned_maintenance_is_a_silence_that_the_public_sees(public):
    assert plan(staff(*BOTH)).status_code == 302
    (window,) = windows(public)
    assert (window.title, window.ends_at - window.starts_at) == ("New disks", 1800)
    with public.book.reading() as page:
        (silence,) = page.silences()
        assert written(silence.matchers) == 'rule="Broken"'
        assert silence.starts_at == window.starts_at


@pytest.mark.parametrize(
    "changes",
    [
        {"minutes": 0},
        {"minutes": 43201},
        {"starts": "tomorrow"},
        {"starts": "2020-01-01 00:00"},
        {"starts": "2999-01-01 00:00"},
        {"title": ""},
        {"rule": ""},
    ],
)
def test_a_wrong_window_is_none(public, changes):
    assert plan(staff(*BOTH), **changes).status_code == 400
    assert windows(public) == []
    with public.book.reading() as page:
        assert page.silences() == []


def test_a_silence_that_there_is_can_be_shown_to_the_public(public):
    client = staff(*BOTH)
    post(client, "silence", matchers="rule=Broken", until="1h", reason="inside")
    with public.book.reading() as page:
        (silence,) = page.silences()
    assert windows(public) == []
    assert (
        b'">1 \xc2\xb7 rule=&quot;Broken&quot;</option>'
        in client.get("/spotter/silences/").content
    )
    assert b"Show to the public" in client.get("/spotter/silences/").content
    assert post(client, "publish", silence=99, title="Disks").status_code == 400
    assert post(client, "publish", silence=silence.id, title="Disks").status_code == 302
    assert [each.title for each in windows(public)] == ["Disks"]
    post(client, "unsilence", silence=silence.id)
    assert [each.state(time.time()) for each in windows(public)] in ([], ["completed"])
