"""The public status page: true, cheap, open to all, and nothing of the inside."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sqlite3
import xml.etree.ElementTree as ET

import jsonschema
import pytest
from django.test import Client

from spotter.alerts import announcements
from spotter.alerts.outages import Outage, begin
from spotter.statuspage.reading import read
from spotter.statuspage.urls import patterns
from spotter.stores.contract import StoreError
from tests.alerts.probed import probe_days, probe_now
from tests.canaries import CANARIES, leaked
from tests.statuspage.conftest import PAGE, incident

SCHEMA = json.loads(
    (
        pathlib.Path(__file__).parents[2] / "docs/reference/status.schema.json"
    ).read_text()
)
FORMS = ("/status/", "/status/status.json", "/status/status.rss")


def get(path="/status/", **headers):
    # No mark of the database: whoever asked it would fail.
    return Client().get(path, headers=headers)


def data():
    found = json.loads(get("/status/status.json").content)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


def feed():
    return ET.fromstring(get("/status/status.rss").content)  # noqa: S314 (our own)


def shown():
    return get().content.decode()


def all_up(book, clock, *down: str) -> None:
    for name in ("health", "api", "database-of-ann"):
        probe_now(book.store, name, clock.time(), is_up=name not in down)


@pytest.mark.parametrize(
    ("down", "status", "components"),
    [
        ((), "operational", ["operational", "operational"]),
        (("api",), "partial_outage", ["operational", "degraded"]),
        (("api", "database-of-ann"), "partial_outage", ["operational", "down"]),
        (("health", "api", "database-of-ann"), "down", ["down", "down"]),
    ],
)
def test_a_component_is_as_its_monitors_are(book, clock, down, status, components):
    all_up(book, clock, *down)
    found = data()
    assert found["status"] == status
    assert [each["status"] for each in found["components"]] == components
    assert found["description"] in shown()


def test_a_dead_watcher_is_unknown_since_and_not_all_fine(book, clock):
    all_up(book, clock)
    assert data()["status"] == "operational"
    clock.passed = 46
    found = data()
    assert found["status"] == "unknown"
    assert found["unknown_since"] == found["components"][0]["unknown_since"]
    assert found["unknown_since"] is not None
    text = shown()
    assert "Nobody has looked since" in text
    assert "operational" not in text.lower()


def test_a_page_that_nothing_is_known_of_says_so(book, clock):
    assert data()["status"] == "unknown"
    assert "Nobody has looked yet" in shown()


def tenth(hours_ago: int) -> int:
    """A tenth of each hour's 360 probes fails."""
    return 36


def none(hours_ago: int) -> int:
    """None fails."""
    return 0


def test_each_day_is_a_bar_with_its_availability_in_words(book, clock):
    for name in ("health", "api", "database-of-ann"):
        probe_days(book.store, name, clock.time(), 3, tenth if name == "api" else none)
    website, api = data()["components"]
    assert len(website["days"]) == len(api["days"]) == 90
    assert website["days"][-2]["availability"] == 1
    assert api["days"][-2]["availability"] == 0.9
    assert api["availability"]["7d"] == 0.9
    assert api["days"][0]["availability"] is None
    text = shown()
    assert text.count("<li class=") == 180
    assert ": 90.00 %</span>" in text
    assert ": unknown</span>" in text
    assert "90.00 % in 4 days" in text or "90.00 % in 3 days" in text


def test_an_incident_that_nobody_announced_is_not_shown(book, clock):
    all_up(book, clock)
    with book.writing() as page:
        incident(page, clock)
    assert data()["incidents"] == []
    assert "HighErrorRate" not in shown()


def test_an_announced_incident_is_shown_with_its_public_words_alone(book, clock):
    all_up(book, clock)
    with book.writing() as page:
        number = incident(page, clock)
        announcements.announce(page, number, clock.time() - 60, "investigating", "Log-in is slow", "We look into it.")  # fmt: skip
        announcements.announce(page, number, clock.time() - 30, "identified", "Log-in is slow", "Found it.")  # fmt: skip
    found = data()
    assert found["status"] == "incident"
    (told,) = found["incidents"]
    assert (told["title"], told["status"]) == ("Log-in is slow", "identified")
    assert [each["text"] for each in told["updates"]] == [
        "We look into it.",
        "Found it.",
    ]
    assert "Found it." in shown()


def test_an_incident_that_is_over_is_shown_for_fourteen_days(book, clock):
    with book.writing() as page:
        number = incident(page, clock)
        announcements.announce(page, number, clock.time(), "resolved", "Slow", "Over.")
    assert [each["status"] for each in data()["past_incidents"]] == ["resolved"]
    clock.passed = 14 * 86400 - 1
    assert len(data()["past_incidents"]) == 1
    clock.passed = 14 * 86400 + 16
    found = data()
    assert found["past_incidents"] == found["incidents"] == []


def test_an_incident_that_ended_by_itself_is_over_for_the_public_too(book, clock):
    with book.writing() as page:
        number = incident(page, clock)
        announcements.announce(
            page, number, clock.time(), "monitoring", "Slow", "Soon."
        )
        known = page.incident(number)
        page.save_incident(
            dataclasses.replace(known, state="resolved", resolved_at=clock.time() + 5)
        )
    clock.passed = 20
    found = data()
    assert found["incidents"] == []
    assert [each["status"] for each in found["past_incidents"]] == ["resolved"]


def test_maintenance_is_planned_then_in_progress_then_gone(book, clock):
    all_up(book, clock)
    now = clock.time()
    with book.writing() as page:
        silence = page.silence(
            {"rule": "x"}, "user 1", "secret", now + 20, now + 60, now
        )
        announcements.publish(page, silence, now, "New disks", "Short breaks.")
        page.silence({"rule": "y"}, "user 1", "inside", now, now + 60, now)
    found = data()
    assert [(m["title"], m["status"]) for m in found["maintenance"]] == [("New disks", "planned")]  # fmt: skip
    assert found["status"] == "operational"
    clock.passed = 20
    found = data()
    assert (found["status"], found["maintenance"][0]["status"]) == ("maintenance", "in_progress")  # fmt: skip
    text = shown()
    assert "New disks" in text
    assert "inside" not in text
    assert "secret" not in text
    clock.passed = 61
    assert data()["maintenance"] == []


@pytest.mark.parametrize("path", FORMS)
def test_nothing_of_the_inside_gets_out(book, clock, path):
    secrets = " ".join(CANARIES.values())
    with book.writing() as page:
        number = incident(page, clock, title=f"web-7 {secrets}")
        page.note(number, clock.time(), "note", f"web-7 {secrets}", "user 1")
        announcements.announce(
            page, number, clock.time(), "investigating", "Slow",
            f"Write to {CANARIES['message_email']} or {CANARIES['message_phone']}",
        )  # fmt: skip
        begin(page, Outage(monitor="api", began_at=1.0, ended_at=None, reason=secrets))
        silence = page.silence({"rule": "web-7"}, "user 1", secrets, 0, 9e9, 0)
        announcements.publish(page, silence, clock.time(), "New disks", "")
    all_up(book, clock, "api")
    text = get(path).content.decode()
    assert leaked(text) == []
    for inside in ("web-7", "user 1", "10.9.8.7", "database-of-ann", "HighErrorRate", "health"):  # fmt: skip
        assert inside not in text


def test_the_feed_is_rss_whose_ids_stay(book, clock):
    with book.writing() as page:
        number = incident(page, clock)
        announcements.announce(page, number, clock.time(), "investigating", "Slow & <b>", "See.")  # fmt: skip
        announcements.announce(page, number, clock.time(), "resolved", "Slow & <b>", "Over.")  # fmt: skip
        silence = page.silence({}, "u", "r", clock.time() + 9, clock.time() + 99, 0)
        announcements.publish(page, silence, clock.time(), "New disks", "")
    first = get("/status/status.rss")
    assert first["Content-Type"].startswith("application/rss+xml")
    channel = feed().find("channel")
    assert feed().attrib["version"] == "2.0"
    for name in ("title", "link", "description"):
        assert channel.findtext(name)
    (self_link,) = channel.findall("{http://www.w3.org/2005/Atom}link")
    assert self_link.attrib["href"] == "https://status.example.com/status.rss"
    items = channel.findall("item")
    assert [item.findtext("title") for item in items] == [
        "Slow & <b>: resolved", "Slow & <b>: investigating", "Maintenance: New disks",
    ]  # fmt: skip
    ids = [item.find("guid").text for item in items]
    assert len(set(ids)) == 3
    assert all(item.find("guid").attrib == {"isPermaLink": "false"} for item in items)
    clock.passed = 30
    again = feed().iter("guid")
    assert [each.text for each in again] == ids


@pytest.mark.parametrize("path", FORMS)
def test_it_may_be_kept_and_is_not_sent_twice(book, clock, path):
    answer = get(path)
    assert answer["Cache-Control"] == "public, max-age=15"
    assert "Cookie" not in answer.get("Vary", "")
    assert not answer.cookies
    again = get(path, **{"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert Client().post(path).status_code == 405


def test_however_many_ask_the_store_is_read_once_in_fifteen_seconds(
    book, clock, monkeypatch
):
    reads: list[float] = []

    def count(page, store, now):
        reads.append(now)
        return read(page, store, now)

    monkeypatch.setattr("spotter.statuspage.keeping.read", count)
    for path in FORMS * 20:
        get(path)
    assert len(reads) == 1
    clock.passed = 14.9
    get()
    assert len(reads) == 1
    clock.passed = 15
    get()
    assert len(reads) == 2


def test_without_a_store_that_the_settings_name_the_page_is_there(settings, book):
    settings.SPOTTER = {**settings.SPOTTER, "STORE": "mysql://x"}
    assert data()["status"] == "unknown"


def test_a_store_that_is_gone_is_said_and_what_was_known_stays(
    book, clock, monkeypatch
):
    all_up(book, clock)
    probe_days(book.store, "health", clock.time(), 2)
    before = data()

    def gone(*given):
        raise StoreError("no such file /var/secret")

    monkeypatch.setattr("spotter.statuspage.keeping.read", gone)
    clock.passed = 16
    found = data()
    assert found["status"] == "unknown"
    assert found["unknown_since"] == before["as_of"]
    assert found["components"][0]["days"] == before["components"][0]["days"]
    assert "/var/secret" not in shown()


def test_a_file_that_is_no_store_is_unknown_and_no_error(book, clock, tmp_path):
    book.store.close()
    (tmp_path / "spotter.db").write_bytes(b"rubbish" * 1000)
    assert get().status_code == 200
    assert data()["status"] == "unknown"
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(tmp_path / "spotter.db").execute("SELECT 1 FROM x")


def test_the_policy_lets_nothing_in_the_page_run(book, clock):
    answer = get()
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    text = answer.content.decode()
    assert "style=" not in text
    assert "<script>" not in text
    assert "<style" not in text
    for name in ("status.css", "status.js", "icon.svg"):
        assert f'"{name}?v=' in text
        assert get(f"/status/{name}").status_code == 200
    assert get("/status/page.py").status_code == 404


def test_it_is_off_by_default(book, clock, settings):
    settings.SPOTTER = {**settings.SPOTTER, "STATUS_PAGE": None}
    assert {get(path).status_code for path in (*FORMS, "/status/status.css")} == {404}


def test_it_is_among_spotters_addresses_only_when_it_is_on(settings):
    settings.SPOTTER = {}
    assert patterns() == []
    settings.SPOTTER = {"STATUS_PAGE": PAGE}
    assert patterns() == []
    settings.SPOTTER = {"STATUS_PAGE": dataclasses.replace(PAGE, path="how/it-is")}
    assert [str(each.pattern) for each in patterns()] == ["how/it-is/"]
