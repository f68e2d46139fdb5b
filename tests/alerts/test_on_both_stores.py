"""Outages, jobs and announcements are kept by SQLite and by PostgreSQL alike."""

from __future__ import annotations

import dataclasses
import uuid

import pytest

from spotter.alerts import announcements, jobs
from spotter.alerts.book import Book
from spotter.alerts.desk import ENDED_SECONDS, history, to_decide
from spotter.alerts.outages import Outage, begin, end, end_gone, outages
from spotter.alerts.outages import trim as trim_outages
from spotter.alerts.punctuality import Heartbeat
from spotter.alerts.records import PENDING, RESOLVED, SENT, Ping
from spotter.channels import Kind
from spotter.stores import open_store
from spotter.stores.sql import SqlStore


@pytest.fixture(params=["sqlite", "postgresql"])
def book(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'spotter.db'}"
    else:
        server = request.getfixturevalue("postgres")
        url = server.create_database(f"spotter_{uuid.uuid4().hex[:8]}")
    store = open_store(url)
    assert isinstance(store, SqlStore)
    yield Book(store)
    store.close()


def test_an_outage_begins_once_and_ends_once(book):
    first = Outage(monitor="api", began_at=100.0, ended_at=None, reason="status 503")
    over = Outage(monitor="api", began_at=0.0, ended_at=160.0, reason="")
    with book.writing() as page:
        begin(page, first)
        begin(page, Outage(monitor="api", began_at=130.0, ended_at=None, reason="x"))
        assert list(outages(page, 0.0)) == [first]
        end(page, over)
        end(page, over)
        (known,) = outages(page, 160.0)
        assert (known.began_at, known.ended_at, known.reason) == (
            100,
            160,
            "status 503",
        )
        assert list(outages(page, 160.1)) == []
        begin(page, Outage(monitor="api", began_at=200.0, ended_at=None, reason="y"))
        assert [each.began_at for each in outages(page, 0.0)] == [200.0, 100.0]
        trim_outages(page, 160.1 + 730 * 86400)
        assert [each.began_at for each in outages(page, 0.0)] == [200.0]


def test_the_outage_of_a_monitor_that_is_gone_ends(book):
    with book.writing() as page:
        for name in ("api", "gone"):
            begin(page, Outage(monitor=name, began_at=1.0, ended_at=None, reason="x"))
        end_gone(page, {"api"}, 9.0)
        found = {each.monitor: each.ended_at for each in outages(page, 0.0)}
        assert found == {"api": None, "gone": 9.0}


def test_a_job_is_enrolled_changed_and_forgotten(book):
    job = Heartbeat(name="nightly", every_seconds=60, max_seconds=30, is_backup=True)
    with book.writing() as page:
        jobs.enroll(page, [job], 10.0)
        jobs.enroll(page, [job], 20.0)
        (known,) = jobs.known(page)
        assert known.registered_at == 10.0
        assert known.heartbeat.allowed_seconds == job.allowed_seconds
        assert (known.heartbeat.max_seconds, known.heartbeat.is_backup) == (30, True)
        for at in range(3):
            page.ping(Ping(name="nightly", kind="success", at=float(at)))
        jobs.trim(page)
        assert len(page.pings("nightly", limit=2)) == 2
        assert jobs.forget(page, "nightly")
        assert not jobs.forget(page, "nightly")
        assert page.pings("nightly") == []


def test_what_was_announced_is_read_back(book):
    with book.writing() as page:
        number = page.open_incident("k", "critical", 5.0, {"title": "inside"}).id
        announcements.announce(page, number, 10.0, "investigating", "Slow", "One.")
        announcements.announce(page, number, 20.0, "resolved", "Slow", "Two.")
        (incident,) = announcements.public_incidents(page, 0.0)
        assert (incident.title, incident.started_at, incident.resolved_at) == ("Slow", 5, 20)  # fmt: skip
        assert [each.text for each in incident.updates] == ["One.", "Two."]
        assert announcements.public_incidents(page, 20.1) == []
        silence = page.silence({"rule": "x"}, "u", "r", 30.0, 60.0, 1.0)
        announcements.publish(page, silence, 1.0, "Disks", "")
        announcements.publish(page, silence, 2.0, "New disks", "")
        (window,) = announcements.maintenance(page, 59.0)
        assert (window.title, window.starts_at, window.ends_at) == ("New disks", 30, 60)
        assert announcements.maintenance(page, 60.0) == []
        announcements.trim(page, 1e9)
        assert announcements.public_incidents(page, 0.0) == []


def decided(page, incident, *kinds, state=SENT):
    """Decisions about one channel, one a second."""
    for number, kind in enumerate(kinds):
        key = f"{incident}:chat:{kind}:{number}"
        page.decide(
            key, incident, "chat", kind, state=state, now=float(number), reason="x"
        )


def test_of_many_messages_those_are_looked_at_that_still_say_anything(book):
    kinds = [
        Kind.TRIGGER,
        *[Kind.REMINDER] * 3,
        Kind.UPDATE,
        Kind.REMINDER,
        Kind.RESOLVE,
    ]
    with book.writing() as page:
        decided(page, 1, *kinds)
        decided(page, 2, Kind.REMINDER, Kind.REMINDER, state=PENDING)
        found = [(each.kind, each.created_at) for each in history(page, 1)]
        assert [each.created_at for each in history(page, 2)] == [0.0, 1.0]
    assert found == [("trigger", 0), ("update", 4), ("reminder", 5), ("resolve", 6)]


def test_what_ended_long_ago_is_looked_at_while_something_of_it_waits(book):
    with book.writing() as page:
        for number in range(3):
            made = page.open_incident(f"key-{number}", "info", 1.0, {})
            over = dataclasses.replace(made, state=RESOLVED, resolved_at=1.0)
            if number < 2:
                page.save_incident(over)
        decided(page, 1, Kind.TRIGGER, state=PENDING)
        found = {each.id for each in to_decide(page, 1.0 + ENDED_SECONDS)}
        later = {each.id for each in to_decide(page, 1.1 + ENDED_SECONDS)}
    assert (found, later) == ({1, 2, 3}, {1, 3})
