"""Which rules were not drilled for too long: not at first, and not on a laptop."""

from __future__ import annotations

import pytest

from spotter.alerts.book import Book
from spotter.alerts.drilled import (  # fmt: skip
    GRACE_SECONDS,
    JOB,
    STALE_SECONDS,
    drilled_at,
    not_drilled,
    overdue,
)
from spotter.alerts.records import Ping
from spotter.stores.sqlite import MEMORY, SqliteStore

NOW, DAY = 1_000_000_000.0, 86400.0


@pytest.fixture
def book():
    return Book(SqliteStore(MEMORY))


@pytest.mark.parametrize(
    ("age", "found"),
    [(STALE_SECONDS - 1, []), (STALE_SECONDS, []), (STALE_SECONDS + 1, ["A"])],
)
def test_after_90_days(age, found):
    assert list(not_drilled(["A"], {"A": NOW - age}, NOW - 900 * DAY, NOW)) == found


@pytest.mark.parametrize(
    ("since", "found"),
    [(None, []), (NOW - GRACE_SECONDS + 1, []), (NOW - GRACE_SECONDS, ["A"])],
)
def test_a_new_project_has_a_week(since, found):
    assert list(not_drilled(["A"], {}, since, NOW)) == found


def test_a_drill_that_did_not_reach_everybody_is_none(book):
    with book.writing() as page:
        for name, kind in (("A", "failure"), ("B", "success"), ("B", "failure")):
            page.ping(Ping(name=JOB + name, kind=kind, at=NOW))
        page.ping(Ping(name="drill", kind="success", at=NOW))
        page.ping(Ping(name="nightly", kind="success", at=NOW))
        assert drilled_at(page) == {"B": NOW}


def test_the_first_start_is_the_first(book):
    with book.writing() as page:
        assert page.watched_since() is None
        page.note_first_start(NOW)
        page.note_first_start(NOW + 1)
        assert page.watched_since() == NOW


@pytest.mark.parametrize(
    ("environment", "is_asked"), [("production", True), ("development", False)]
)
def test_production_alone_is_asked(book, settings, environment, is_asked):
    settings.SPOTTER = {"ENVIRONMENT": environment}
    with book.writing() as page:
        page.note_first_start(NOW - GRACE_SECONDS)
    assert ("HighErrorRate" in overdue(book, NOW)) is is_asked
