"""The overview begins with what the alerts say."""

from __future__ import annotations

import dataclasses
import pathlib
import time

import pytest
import time_machine

from spotter.alerts.book import Book
from spotter.alerts.records import ACKNOWLEDGED, RESOLVED
from spotter.channels import Email
from spotter.entries import Batch, Series

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(store):
    batch = Batch()  # Something is measured: of what is not, nobody knows anything.
    batch.point(Series("spotter.workers.started"), time.time()).add(1)
    store.write(batch)
    return Book(store)


def opened(book: Book, severity: str = "critical", **changes: str):
    with book.writing() as page:
        made = page.open_incident("key", severity, time.time() - 300, {"title": "Full"})
        page.save_incident(dataclasses.replace(made, **changes))  # type: ignore[arg-type]


def overview(client) -> str:
    return str(client.get("/spotter/").content.decode())


def test_nothing_needs_anybody_without_incidents(book, client):
    assert "Nothing needs you." in overview(client)


def test_before_anything_was_measured_nobody_is_told_that_all_is_well(store, client):
    shown = overview(client)
    assert "Nothing has been measured yet" in shown
    assert "Nothing needs you." not in shown


@pytest.mark.parametrize(("age", "is_told"), [(59, True), (60, True), (61, False)])
def test_when_measurements_have_stopped_nobody_is_told_that_all_is_well(
    book, store, client, monkeypatch, age, is_told
):
    with time_machine.travel(time.time(), tick=False):
        monkeypatch.setattr(store, "written_at", lambda: time.time() - age)
        shown = overview(client)
    assert ("Nothing needs you." in shown) is is_told
    assert ("The last measurement came" in shown) is not is_told


def test_an_incident_is_told_where_nothing_was_measured(store, client):
    opened(Book(store))
    assert "Incident 1, critical, opened" in overview(client)


def test_an_open_incident_comes_first_and_leads_to_its_page(book, client):
    opened(book)
    shown = overview(client)
    assert "Incident 1, critical, opened" in shown
    assert 'href="/spotter/incidents/one/?id=1"' in shown
    assert "Nothing needs you." not in shown


def test_one_that_somebody_is_at_is_no_alarm(book, client):
    opened(book, state=ACKNOWLEDGED)
    shown = overview(client)
    assert "Somebody is at it." in shown
    assert 'class="finding bad"' not in shown


def test_a_warning_is_told_as_one(book, client):
    opened(book, severity="warning")
    assert 'class="finding warn" data-kind="incident"' in overview(client)


def test_one_that_is_over_is_not_told(book, client):
    opened(book, state=RESOLVED)
    assert "Nothing needs you." in overview(client)


@pytest.mark.parametrize(("number", "rest"), [(5, ""), (6, "1 more incident is open.")])
def test_many_are_told_in_few_sentences(book, client, number, rest):
    for _ in range(number):
        opened(book)
    shown = overview(client)
    assert shown.count('data-kind="incident"') == 5 + bool(rest)
    assert rest in shown


@pytest.mark.parametrize(("left", "told"), [(10, False), (-1, True)])
def test_a_watcher_that_is_gone_is_told(book, client, left, told):
    with book.writing() as page:
        page.lead("me", time.time() + left - 15, 15)
    assert ("Nobody watches" in overview(client)) is told


def test_channels_that_nobody_uses_are_told(book, client, settings):
    settings.SPOTTER = {**settings.SPOTTER, "CHANNELS": [Email(to=["ops@example.com"])]}
    assert "Nobody watches" in overview(client)


def test_a_store_that_was_damaged_is_told_until_its_file_is_deleted(
    book, store, client
):
    damaged = pathlib.Path(f"{store.path}.corrupt-20251126T031500")
    damaged.write_bytes(b"no database")
    shown = overview(client)
    assert "begun afresh at 2025-11-26 03:15 UTC" in shown
    assert f"sqlite3 {damaged.name} .recover" in shown
    damaged.unlink()
    assert "begun afresh" not in overview(client)
