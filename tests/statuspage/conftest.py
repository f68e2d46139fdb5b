"""A status page over a store of its own."""

from __future__ import annotations

import time

import pytest

from spotter.alerts.book import Book
from spotter.probes import Http
from spotter.statuspage import StatusPage, views
from spotter.statuspage.keeping import Kept
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

PAGE = StatusPage(
    title="Shop",
    components={"Website": "health", "API": ["api", "database-of-ann"]},
    url="https://status.example.com",
    path="",
)
MONITORS = [
    Http(name=name, url="http://10.9.8.7/")
    for name in ("health", "api", "database-of-ann")
]


class Clock:
    """The time of the page, moved by hand."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.begun = time.time()

    def time(self) -> float:
        return self.begun + self.passed

    def monotonic(self) -> float:
        return 1000.0 + self.passed


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr("spotter.statuspage.keeping.time", made)
    return made


@pytest.fixture
def book(tmp_path, settings, monkeypatch, clock):
    settings.SPOTTER = {
        "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
        "FLUSH_SECONDS": 3600.0,
        "MONITORS": MONITORS,
        "STATUS_PAGE": PAGE,
    }
    settings.ROOT_URLCONF = "tests.statuspage.urls"
    monkeypatch.setattr(views, "kept", Kept())
    store = get_store()
    assert isinstance(store, SqlStore)
    yield Book(store)
    store.close()


def incident(page, clock, title="HighErrorRate on web-7"):
    """An incident with all that must not get out."""
    return page.open_incident(
        "key", "critical", clock.time() - 600,
        {"title": title, "evidence": [["Failing routes", "/api/canary/"]]},
    ).id  # fmt: skip
