"""The page Uptime: monitors, their days, outages, jobs."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from spotter.alerts.book import Book
from spotter.alerts.heartbeats import Heartbeat
from spotter.alerts.jobs import enroll
from spotter.alerts.outages import Outage, begin, end
from spotter.alerts.records import Ping
from spotter.dashboard import reading
from spotter.dashboard.ping import key_of
from spotter.entries import Batch, Series
from spotter.probes import Http
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore
from tests.alerts.probed import probe_days, probe_now

pytestmark = pytest.mark.django_db
User: Any = get_user_model()
JOB = Heartbeat(name="nightly", every_seconds=3600, grace_seconds=60)
BACKUP = Heartbeat(name="backup", every_seconds=86400, is_backup=True)


@pytest.fixture
def book(tmp_path, settings):
    settings.SPOTTER = {
        "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
        "HEARTBEATS": [JOB, BACKUP],
        "FLUSH_SECONDS": 3600.0,
        "MONITORS": [Http(name="health", url="http://127.0.0.1:1/")],
    }
    reading._kept.clear()
    store = get_store()
    assert isinstance(store, SqlStore)
    return Book(store)


@pytest.fixture
def staff(book):
    client = Client()
    client.force_login(User.objects.create_superuser("ann", "a@example.com", "x"))
    return client


def shown(client):
    return client.get("/spotter/uptime/").content.decode()


def test_a_job_that_never_reported_and_one_that_did_are_shown(book, staff):
    assert "waiting for its first report" in shown(staff)
    with book.writing() as page:
        enroll(page, [JOB], time.time() - 3661)
    assert "nightly has never reported success" in shown(staff)
    assert Client().post(f"/spotter/ping/{key_of('nightly')}/").status_code == 200
    assert "nightly has never reported success" not in shown(staff)


def test_how_long_a_job_took_and_how_large_a_backup_is_are_shown(book, staff):
    with book.writing() as page:
        body = {"seconds": 90.0, "size": 5_200_000}
        page.ping(Ping(name="backup", kind="success", at=time.time() - 60, body=body))
        page.ping(Ping(name="nightly", kind="start", at=time.time() - 60))
    text = shown(staff)
    assert "90 s" in text
    assert "5.2 MB" in text
    assert "running for 60" in text


def test_the_availability_of_a_monitor_is_the_share_of_right_probes(book, staff):
    batch, now = Batch(), time.time()
    series = Series.of("spotter.probe.success", {"probe": "health", "watcher": "a"})
    for number, value in enumerate((1, 1, 1, 0)):
        batch.point(series, now - 40 + 10 * number).set(value, now - 40 + 10 * number)
    book.store.write(batch)
    assert "75.00 %" in shown(staff)


def test_how_long_probes_took_is_drawn(book, staff):
    batch = Batch()
    series = Series.of("spotter.probe.duration", {"probe": "health"})
    batch.point(series, time.time() - 60).observe(0.042)
    book.store.write(batch)
    assert "42 ms" in shown(staff)


def test_a_monitor_is_up_down_or_unknown_since(book, staff):
    assert "never probed" in shown(staff)
    now = time.time()
    probe_days(book.store, "health", now - 3600, 1)
    assert "unknown for" in shown(staff)
    probe_now(book.store, "health", now, is_up=False)
    assert 'bad" data-label="Now">down' in shown(staff)
    probe_now(book.store, "health", now + 1)
    assert 'good" data-label="Now">up' in shown(staff)


def test_outages_are_listed_with_begin_end_and_reason(book, staff):
    assert "No monitor was down" in shown(staff)
    now = time.time()
    gone = Outage(
        monitor="health", began_at=now - 600, ended_at=now, reason="status 503, not 200"
    )
    with book.writing() as page:
        begin(page, gone)
    assert "goes on" in shown(staff)
    with book.writing() as page:
        end(page, gone)
    text = shown(staff)
    assert "status 503, not 200" in text
    assert "10 min" in text
    assert "goes on" not in text


def test_each_of_ninety_days_is_a_bar_with_its_availability_in_words(book, staff):
    probe_days(book.store, "health", time.time(), 3, lambda ago: 36)
    text = shown(staff)
    assert text.count("<li class=") == 90
    assert text.count(": 90.00 %</span>") >= 3
    assert ": unknown</span>" in text
