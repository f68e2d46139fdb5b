"""The pages of alerting: who watches, what fires, and what people do about it."""

from __future__ import annotations

import csv
import dataclasses
import io
import logging
import re
import time
import urllib.parse
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from spotter.alerts.book import Book
from spotter.alerts.evidence import Piece
from spotter.alerts.rules import Severity
from spotter.alerts.spare import Spare, spare_path, var_folder
from spotter.entries import Batch, Sample
from spotter.stores.contract import StoreError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore
from spotter.stores.sqlite import SqliteStore
from tests.alerts.kit import World, rule

pytestmark = [pytest.mark.long, pytest.mark.django_db]
User: Any = get_user_model()
ID = "0f3a9c2e5b7d48160f3a9c2e5b7d4816"
PIECES = [
    Piece(kind="route", name="Failing routes", text="/x/: 3 of 3", page="requests/route", asked={"route": "/x/"}),
    Piece(kind="request", name="Failed requests", text="500 GET /x/", page="requests/example", asked={"route": "/x/", "id": ID}, request_id=ID),
    Piece(kind="line", name="Log lines", text="it broke", page="logs", asked={"request_id": ID}, request_id=ID),
]  # fmt: skip


@pytest.fixture
def book(tmp_path, settings):
    settings.SPOTTER = {
        "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
        "FLUSH_SECONDS": 3600.0,
    }
    store = get_store()
    assert isinstance(store, SqlStore)
    return Book(store)


@pytest.fixture
def world(book):
    made = World(book=book)
    made.now = time.time() - 60
    made.engine.evidence = lambda begun, now: {a.key: PIECES for _, a in begun}
    made.tick(Broken=1)
    return made


def staff(*permissions: str, name: str = "alice") -> Client:
    user = User.objects.create_user(name, is_staff=True, password="x")
    for each in permissions:
        user.user_permissions.add(Permission.objects.get(codename=each))
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


BOTH = ("view_dashboard", "respond_to_incidents")


@pytest.fixture
def alice(book):
    """May look and act."""
    return staff(*BOTH)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def look(client: Client, page: str) -> str:
    return text(client.get(f"/spotter/{page}"))


def token_of(client: Client) -> str:
    page = look(client, "silences/?matchers=rule=x")
    return page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]


def post(client: Client, action: str, **fields: object):
    return client.post(
        f"/spotter/act/{action}/", {**fields, "csrfmiddlewaretoken": token_of(client)}
    )


def silences(world):
    with world.book.reading() as page:
        return page.silences(time.time())


def test_the_page_says_that_nobody_watches(world, alice):
    assert "Nobody watches" in look(alice, "alerts/")
    with world.book.writing() as page:
        page.lead("web-1", time.time(), 15)
    shown = look(alice, "alerts/")
    assert "Nobody watches" not in shown
    assert "Watched by web-1." in shown


def test_an_incident_leads_to_its_timeline_and_to_who_was_told(world, alice):
    listed = look(alice, "alerts/")
    assert "Broken is at 1" in listed
    assert "incidents/one/?id=1" in listed
    assert "the incident opened" in look(alice, "incidents/one/?id=1")


def test_the_button_comes_first_under_what_it_is_about(world, alice):
    shown = look(alice, "incidents/one/?id=1")
    main = shown[shown.index("<main") :]
    places = [
        main.index(word)
        for word in ("Incident 1<", ">Broken is at 1<", ">Acknowledge<", "Severity")
    ]
    assert places == sorted(places)


def test_one_tap_leads_from_the_incident_to_the_log_lines_and_the_route(world, alice):
    shown = look(alice, "incidents/one/?id=1").replace("&amp;", "&")
    links = re.findall(r'<a[^>]* href="(/spotter/[^"]+)"', shown)
    opened = world.incidents[0].opened_at
    for wanted in (f"request_id={ID}", "route=%2Fx%2F", f"id={ID}"):
        (found, *_) = [link for link in links if wanted in link]
        asked = dict(urllib.parse.parse_qsl(found.partition("?")[2]))
        assert asked["from"] < time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(opened))
        assert alice.get(found).status_code == 200
    # A failed request, and its line.
    assert sum(f"request_id={ID}" in link for link in links) == 2


def test_an_acknowledgement_is_written_down_with_who_it_was(world, alice, caplog):
    caplog.set_level(logging.INFO, "spotter.audit")
    answer = post(alice, "acknowledge", incident=1)
    assert (answer.status_code, answer["Location"]) == (
        302,
        "/spotter/incidents/one/?id=1",
    )
    assert world.incidents[0].state == "acknowledged"
    user = User.objects.get(username="alice")
    with world.book.reading() as page:
        (event,) = [e for e in page.events(1) if e.kind == "acknowledged"]
    assert event.actor == f"user {user.pk}"
    assert f"user {user.pk} acknowledged incident 1" in caplog.text
    assert post(alice, "acknowledge", incident=1).status_code == 400


def test_an_acknowledgement_is_taken_back(world, alice):
    post(alice, "acknowledge", incident=1)
    assert "Take it back" in look(alice, "incidents/one/?id=1")
    post(alice, "unacknowledge", incident=1)
    assert world.incidents[0].state == "open"
    assert ">Acknowledge<" in look(alice, "incidents/one/?id=1")


def test_what_is_over_asks_for_a_resolution_until_it_has_one(world, alice):
    world.tick(5, Broken=0)
    wanted = "/spotter/incidents/?state=needs+a+resolution"
    assert wanted in look(alice, "alerts/")
    assert "needs a resolution" in look(alice, "incidents/?state=needs+a+resolution")
    assert "What was it?" in look(alice, "incidents/one/?id=1")
    post(alice, "resolution", incident=1, cause="a full disk", done="logs deleted")
    shown = look(alice, "incidents/one/?id=1")
    assert "What was it?" not in shown
    assert "a full disk" in shown
    assert "0 incidents" in look(alice, "incidents/?state=needs+a+resolution")


def test_notes_are_in_the_timeline_with_releases_and_silences(world, alice):
    at = time.time() - 30
    body = {"release": "7", "previous": "6"}
    deploy = Sample(kind="deploy", key="7", at=at, weight=1, body=body)
    old = dataclasses.replace(deploy, key="1", at=at - 4000)
    world.book.store.write(Batch(samples=[deploy, old]))
    post(alice, "note", incident=1, text="looking")
    shown = look(alice, "incidents/one/?id=1")
    timeline = shown[shown.index("Timeline") :]
    assert "looking" in timeline
    assert "7, before 6" in timeline
    assert "1, before 6" not in timeline


def test_what_a_silence_would_mute_is_shown_before_it_is_made(world, alice):
    shown = look(alice, "silences/?matchers=rule=Broken&until=4h")
    assert "Broken is at 1" in shown
    assert "Mute until" in shown
    assert silences(world) == []
    other = look(alice, "silences/?matchers=rule=Other")
    assert "Nothing that fires now" in other


def test_an_incident_is_muted_with_a_tap_a_reason_and_a_button(world, alice):
    shown = look(alice, "incidents/one/?id=1").replace("&amp;", "&")
    (link,) = re.findall(r'class="button" href="([^"]+)"', shown)
    page = text(alice.get(link))
    assert "incident 1 ends" in page
    names = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    hidden = {n: v.replace("&quot;", '"') for n, v in names}
    answer = post(alice, "silence", **{**hidden, "reason": "we know"})
    assert answer["Location"] == "/spotter/incidents/one/?id=1"
    (made,) = silences(world)
    assert [str(each) for each in made.matchers] == ['rule="Broken"']
    assert (made.incident, made.reason) == (1, "we know")
    assert "we know" in look(alice, "silences/")


def test_an_alert_leads_to_a_silence_for_it_alone(world, alice):
    shown = look(alice, "alerts/").replace("&amp;", "&")
    assert "/spotter/silences/?matchers=rule%3D%22Broken%22" in shown


def test_a_silence_is_ended_and_stays_in_the_list(world, alice):
    post(alice, "silence", matchers="rule=Broken", until="1h", reason="we know")
    (made,) = silences(world)
    assert post(alice, "unsilence", silence=made.id)["Location"] == "/spotter/silences/"
    assert silences(world) == []
    assert "ended by user" in look(alice, "silences/")


def test_a_window_to_come_is_listed_as_maintenance(world, alice):
    starts = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 86400))
    post(
        alice, "silence", matchers="rule=~.+", reason="new disks", until="4h", starts=starts
    )  # fmt: skip
    (made,) = silences(world)
    assert made.kind == "maintenance"
    assert not made.is_on(time.time())
    shown = look(alice, "silences/")
    assert shown.index("To come") < shown.index("new disks") < shown.index(">Over<")


@pytest.mark.parametrize(
    ("action", "fields", "word"),
    [
        ("silence", {"matchers": "rule=Broken", "until": "59s", "reason": "x"}, "from a minute"),
        ("silence", {"matchers": "rule=Broken", "until": "31d", "reason": "x"}, "30 days"),
        ("silence", {"matchers": "", "until": "1h", "reason": "x"}, "needs a matcher"),
        ("silence", {"matchers": "rule=~(", "until": "1h", "reason": "x"}, "no regular expression"),
        ("silence", {"matchers": "rule=Broken", "until": "1h"}, "“Reason” must have"),
        ("note", {"incident": 1, "text": "x" * 2001}, "“Text” must have"),
        ("note", {"incident": 99, "text": "x"}, "no incident 99"),
        ("acknowledge", {"incident": "one"}, "must be a number"),
        ("resolution", {"incident": 1, "cause": "x", "done": "y"}, "is open"),
        ("unsilence", {"silence": 99}, "has ended already"),
    ],
)  # fmt: skip
def test_bad_input_changes_nothing_and_the_page_says_why(
    world, alice, action, fields, word
):
    answer = post(alice, action, **fields)
    assert answer.status_code == 400
    assert "<h1>" in text(answer)
    assert "Nothing was changed" in text(answer)
    assert word in text(answer)
    with world.book.reading() as page:
        assert page.silences() == []
    assert [kind for kind, _ in world.timeline] == ["opened", "firing", "sent"]


def test_what_was_typed_is_still_there_after_a_refusal(world, alice):
    answer = text(
        post(alice, "silence", matchers="rule=Broken", until="1h", reason="x" * 2001)
    )
    assert "x" * 2001 in answer
    world.tick(5, Broken=0)
    answer = text(post(alice, "resolution", incident=1, cause="a full disk", done=""))
    assert "a full disk</textarea>" in answer


@pytest.fixture
def strangers(world):
    """Bob may only look, Charlie is a customer, and somebody has not logged in."""
    bob = staff("view_dashboard", name="bob")
    charlie = Client(enforce_csrf_checks=True)
    charlie.force_login(User.objects.create_user("charlie"))
    return bob, charlie, Client(enforce_csrf_checks=True)


def with_a_token(client: Client) -> dict[str, str]:
    token = "a" * 32
    client.cookies["csrftoken"] = token
    return {"csrfmiddlewaretoken": token}


def test_who_may_only_look_can_do_nothing_and_nobody_else_can_look(world, strangers):
    bob, charlie, nobody = strangers
    assert ">Acknowledge<" not in look(bob, "incidents/one/?id=1")
    assert "Mute" not in look(bob, "silences/?matchers=rule=Broken")
    for client, status in ((bob, 403), (charlie, 403), (nobody, 302)):
        for action, fields in (
            ("acknowledge", {"incident": 1}),
            ("silence", {"matchers": "rule=Broken", "reason": "x"}),
        ):
            sent = {**fields, **with_a_token(client)}
            answer = client.post(f"/spotter/act/{action}/", sent)
            assert answer.status_code == status
    assert charlie.get("/spotter/incidents/").status_code == 403
    assert world.incidents[0].state == "open"
    assert silences(world) == []


def test_the_log_in_leads_back_to_the_incident(strangers, settings):
    settings.LOGIN_URL = "/log-in/"
    *_, nobody = strangers
    wanted = "/log-in/?next=%2Fspotter%2Fincidents%2Fone%2F%3Fid%3D1"
    assert nobody.get("/spotter/incidents/one/?id=1")["Location"] == wanted
    sent = {"incident": 1, **with_a_token(nobody)}
    assert nobody.post("/spotter/act/note/", sent)["Location"] == wanted


def test_nothing_is_done_by_a_get_without_a_token_or_for_another_origin(world, alice):
    act = "/spotter/act/acknowledge/"
    assert alice.get(act, {"incident": 1}).status_code == 405
    assert alice.post(act, {"incident": 1}).status_code == 403
    sent = {"incident": 1, "csrfmiddlewaretoken": token_of(alice)}
    answer = alice.post(act, sent, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert world.incidents[0].state == "open"
    assert alice.post(act, sent).status_code == 302


def test_an_action_that_is_none_is_refused(world, alice):
    assert post(alice, "explode", incident=1).status_code == 403


@pytest.mark.parametrize("asked", ["", "99", "x", "9" * 30, "²"])
def test_an_incident_that_is_none_says_so(alice, asked):
    for address in ("incidents/one/?id=", "incidents/one/?format=md&id="):
        shown = look(alice, f"{address}{asked}")
        assert "There is no such incident" in shown


def test_an_incident_is_taken_away_as_a_document(world, alice):
    answer = alice.get("/spotter/incidents/one/?id=1&format=md")
    assert answer["Content-Type"].startswith("text/markdown")
    assert "incident-1.md" in answer["Content-Disposition"]
    assert text(answer).startswith("# Incident 1: Broken is at 1")


@pytest.fixture
def many(book):
    """An incident that is over, and one that is open."""
    world = World(rule("Broken"), rule("Slow", severity=Severity.WARNING), book=book)
    world.now = time.time() - 7200
    world.tick(Slow=1)
    world.tick(1000, Slow=0)
    world.tick(1000, Broken=1)
    return world


def test_incidents_are_filtered(many, alice):
    def titles(query: str) -> list[str]:
        answer = text(
            alice.get(f"/spotter/incidents/?format=csv&block=incidents&{query}")
        )
        return sorted(row["Incident"] for row in csv.DictReader(io.StringIO(answer)))

    assert titles("") == ["Broken is at 1", "Slow is at 1"]
    assert titles("state=resolved") == ["Slow is at 1"]
    assert titles("state=open") == ["Broken is at 1"]
    assert titles("severity=warning") == ["Slow is at 1"]
    assert titles("rule=Broken") == ["Broken is at 1"]
    assert titles("during=24h&rule=Other") == []
    assert titles("during=nonsense&state=nonsense") == []


def test_the_mean_times_and_the_noisiest_rules_are_worked_out(many, alice):
    shown = look(alice, "incidents/")
    assert 'href="/spotter/incidents/one/?id=2">2 · Broken is at 1' in shown
    assert "16.7 min" in shown  # of the one that is over, in 1,000 s
    assert "none was acknowledged" in shown
    rows = text(alice.get("/spotter/incidents/?format=csv&block=rules"))
    assert rows.splitlines()[1].startswith("Broken,1,1,")


@pytest.fixture
def cut_off(world, monkeypatch):
    """The store is gone, and the watcher of this machine goes on without it."""
    spare = Spare(spare_path(world.book.store, var_folder()))
    spare.copy(world.book, time.time())
    with spare.book.writing() as page:
        page.lead("me", time.time(), 15)
    usual = SqliteStore.transaction

    def refuse(self, *, write):
        if self.path == world.book.store.path:
            raise StoreError("no room on the disk")
        return usual(self, write=write)

    monkeypatch.setattr(SqliteStore, "transaction", refuse)
    return spare.book


def test_without_the_store_the_watchers_copy_is_shown_and_written(
    world, alice, cut_off
):
    shown = look(alice, "incidents/one/?id=1")
    assert "no room on the disk" in shown
    assert "goes on without the store" in shown
    assert post(alice, "acknowledge", incident=1).status_code == 302
    with cut_off.reading() as page:
        assert page.incidents()[0].state == "acknowledged"
    for page in ("alerts/", "incidents/", "silences/"):
        assert "watcher" in look(alice, page)


def test_what_cannot_be_written_is_told_and_not_lost_silently(
    world, alice, monkeypatch
):
    token = token_of(alice)

    def refuse(self, *, write):
        raise StoreError("no room on the disk")

    monkeypatch.setattr(SqliteStore, "transaction", refuse)
    sent = {"incident": 1, "text": "looking", "csrfmiddlewaretoken": token}
    answer = alice.post("/spotter/act/note/", sent)
    assert answer.status_code == 503
    assert "Nothing was changed" in text(answer)


def test_a_channel_that_is_shut_is_shown_with_its_reason_and_what_to_do(world, alice):
    with world.book.writing() as page:
        page.shut("slack", "abc", "answered 404: no_service", time.time() - 600)
    shown = look(alice, "alerts/")
    assert "The channel slack is shut" in shown
    assert "It refused 10 min ago: answered 404: no_service" in shown
    assert "manage.py spotter notify slack" in shown
