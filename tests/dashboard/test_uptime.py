"""The page Uptime, and the address to which jobs report."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from spotter.alerts.book import Book
from spotter.alerts.heartbeats import MAX_OUTPUT, Heartbeat, heartbeat, problem_of
from spotter.dashboard.ping import key_of
from spotter.entries import Batch, Series
from spotter.probes import Http
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

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
    store = get_store()
    assert isinstance(store, SqlStore)
    return Book(store)


@pytest.fixture
def staff(book):
    client = Client()
    client.force_login(User.objects.create_superuser("ann", "a@example.com", "x"))
    return client


def pings(book, name="nightly"):
    with book.reading() as page:
        return page.pings(name)


def shown(client):
    return client.get("/spotter/uptime/").content.decode()


def test_a_job_that_never_reported_and_one_that_did_are_shown(book, staff):
    assert "nightly has never reported success" in shown(staff)
    assert Client().post(f"/spotter/ping/{key_of('nightly')}/").status_code == 200
    assert "nightly has never reported success" not in shown(staff)


def test_the_availability_of_a_monitor_is_the_share_of_right_probes(book, staff):
    batch, now = Batch(), time.time()
    series = Series.of("spotter.probe.success", {"probe": "health", "watcher": "a"})
    for number, value in enumerate((1, 1, 1, 0)):
        batch.point(series, now - 40 + 10 * number).set(value, now - 40 + 10 * number)
    book.store.write(batch)
    text = shown(staff)
    assert "75" in text
    assert "down" in text


def test_how_long_probes_took_is_drawn(book, staff):
    batch = Batch()
    series = Series.of("spotter.probe.duration", {"probe": "health"})
    batch.point(series, time.time() - 60).note(0.042)
    book.store.write(batch)
    assert "42 ms" in shown(staff)


@pytest.mark.parametrize(
    ("suffix", "kind"), [("", "success"), ("start/", "start"), ("fail/", "failure")]
)
def test_a_job_reports_its_start_success_and_failure(book, suffix, kind):
    url = f"/spotter/ping/{key_of('nightly')}/{suffix}"
    answer = Client(enforce_csrf_checks=True).post(
        f"{url}?size=5", data=b"x" * 9000, content_type="text/plain"
    )
    assert answer.status_code == 200
    (ping,) = pings(book)
    assert (ping.kind, ping.body["size"]) == (kind, 5)
    assert len(ping.body["output"]) == MAX_OUTPUT


@pytest.mark.parametrize(
    "key", ["nightly", "nightly:wrong", "other", key_of.__name__, "x" * 500]
)
def test_a_key_that_is_none_is_not_found_and_changes_nothing(book, key):
    assert Client().post(f"/spotter/ping/{key}/").status_code == 404
    assert pings(book) == []


def test_a_job_that_is_not_configured_any_more_is_not_found(book):
    assert Client().post(f"/spotter/ping/{key_of('gone')}/").status_code == 404


def test_no_personal_data_of_a_jobs_output_is_kept(book):
    url = f"/spotter/ping/{key_of('nightly')}/fail/"
    text = "mail to canary@example.com failed, password=c4nary"
    Client().post(url, data=text, content_type="text/plain")
    (ping,) = pings(book)
    assert "canary@example.com" not in ping.body["output"]
    assert "c4nary" not in ping.body["output"]


def test_looking_at_the_address_reports_nothing(book):
    assert Client().get(f"/spotter/ping/{key_of('nightly')}/").status_code == 405
    assert pings(book) == []


def test_a_decorated_function_reports_by_itself(book):
    @heartbeat("nightly")
    def work(number):
        return 10 / number

    assert work(5) == 2
    with pytest.raises(ZeroDivisionError):
        work(0)
    assert [ping.kind for ping in pings(book)] == [
        "failure",
        "start",
        "success",
        "start",
    ]


def beats(*given):
    """Pings of ages in seconds, the latest first."""
    from spotter.alerts.book import Ping

    return [
        Ping(name="x", kind=kind, at=1_000_000 - age, body=body)
        for age, kind, body in given
    ]


@pytest.mark.parametrize(
    ("job", "given", "expected"),
    [
        (JOB, [(3659, "success", {})], ""),
        (JOB, [(3660, "success", {})], ""),
        (JOB, [(3661, "success", {})], "nightly succeeded last 1.0 h ago"),
        (JOB, [(5, "failure", {"output": "boom"}), (9, "success", {})], "nightly failed: boom"),
        (JOB, [(5, "start", {}), (9, "success", {})], ""),
        (BACKUP, [(5, "success", {"size": 0})], "backup is empty"),
        (BACKUP, [(n, "success", {"size": s}) for n, s in enumerate((49, 100, 100, 100))], "backup has 49 bytes"),
        (BACKUP, [(n, "success", {"size": s}) for n, s in enumerate((50, 100, 100, 100))], ""),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_job_is_said(job, given, expected):
    found = problem_of(job, beats(*given), 1_000_000)
    assert found.startswith(expected)
    assert bool(found) == bool(expected)
