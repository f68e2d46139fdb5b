"""`spotter status`: for people and for programs, with an exit code for health checks."""

from __future__ import annotations

import io
import json
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from spotter.alerts.book import Book
from spotter.alerts.drilled import GRACE_SECONDS
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore


@pytest.fixture
def book(tmp_path, settings):
    settings.SPOTTER = {
        "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
        "ENVIRONMENT": "production",
    }
    store = get_store()
    assert isinstance(store, SqlStore)
    return Book(store)


def status(*arguments):
    out = io.StringIO()
    try:
        call_command("spotter", "status", *arguments, stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


def fill(book):
    now = time.time()
    with book.writing() as page:
        page.lead("host-1-abc", now, 15)
        one = page.open_incident("key", "critical", now, {"title": "it is broken"})
        page.decide("1:chat:trigger:0", one.id, "chat", "trigger", state="pending", now=now, reason="")  # fmt: skip


def test_nobody_watches_is_1_and_says_what_to_do(book):
    code, text = status()
    assert code == 1
    assert "NOBODY WATCHES: start `manage.py spotter watch`" in text


def test_who_watches_what_fires_and_what_waits(book):
    fill(book)
    code, text = status()
    assert code == 0
    assert "watched by host-1-abc" in text
    assert "it is broken" in text
    assert "waiting chat trigger" in text


def test_the_same_for_programs(book):
    fill(book)
    code, text = status("--json")
    found = json.loads(text)
    assert code == 0
    assert found["watched_by"] == "host-1-abc"
    assert [each["title"] for each in found["incidents"]] == ["it is broken"]
    assert [each["channel"] for each in found["waiting"]] == ["chat"]
    assert (found["firing"], found["not_drilled"]) == ([], [])


def test_nobody_watches_is_null_for_programs(book):
    code, text = status("--json")
    assert (code, json.loads(text)["watched_by"]) == (1, None)


def test_what_was_not_drilled_is_told(book):
    with book.writing() as page:
        page.note_first_start(time.time() - GRACE_SECONDS - 1)
    _, text = status()
    assert "not drilled for 90 days: HighErrorRate, " in text


def test_a_store_that_is_gone_is_2_with_the_reason(tmp_path, settings):
    settings.SPOTTER = {"STORE": f"sqlite:///{tmp_path}"}
    with pytest.raises(CommandError, match="can't be used") as caught:
        status()
    assert caught.value.returncode == 2


def test_it_asks_the_applications_database_nothing(book, monkeypatch):
    def refuse(*given):
        raise OSError("the database is down")

    monkeypatch.setattr(type(connections["default"]), "get_new_connection", refuse)
    connections.close_all()
    assert status()[0] == 1
