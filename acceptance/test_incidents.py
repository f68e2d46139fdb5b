"""An incident at night, on a phone: log in, acknowledge, find the log lines, mute."""

from __future__ import annotations

import json
import time

import pytest
from playwright.sync_api import sync_playwright

from spotter.alerts.book import Book
from spotter.alerts.evidence import Piece, gather, keep
from spotter.alerts.records import Alert
from spotter.alerts.shipped import shipped
from spotter.alerts.sources import Source
from spotter.stores.sqlite import SqliteStore
from tests.servers.processes import program, wait_until
from tests.servers.trainerhub import manage, running_trainerhub

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]
#: What a thumb hits, in CSS pixels: https://www.w3.org/TR/WCAG21/#target-size
THUMB = 44


@pytest.fixture(scope="module")
def server(seeded_home):
    """Without a watcher, which would end an incident that no alert belongs to."""
    extra = {"LOGIN_THROTTLE_RATE": "600/min"}
    with running_trainerhub(seeded_home(), extra) as running:
        yield running


@pytest.fixture(scope="module")
def phone(server):
    """A browser on a phone that nobody has logged in with."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=str(program("chromium")), args=["--no-sandbox"]
        )
        context = chromium.new_context(
            viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark"
        )
        yield context.new_page()
        chromium.close()


@pytest.fixture
def book(server, settings):
    """The server's book, with an incident about what it really did."""
    settings.LOGGING = {
        "handlers": {"any": {"filename": str(server.home / "logs" / "any.log")}}
    }
    store = SqliteStore(server.home / "var" / "spotter" / "spotter.db")
    made = Book(store)
    manage(
        server.home,
        *("simulate", "--url", server.url, "--rate=40", "--requests=60"),
        *("--fault=error-burst", "--fault-share=0.5"),
    )
    rule = next(r for r in shipped(lambda: made) if r.name == "HighErrorRate")
    alert = Alert(key="a", rule=rule.name, labels={}, severity="critical")

    def found() -> dict[str, int]:
        pieces = gather(Source(lambda: store), [(rule, alert)], time.time())["a"]
        kinds = [piece.kind for piece in pieces]
        latest[:] = pieces
        return {kind: kinds.count(kind) for kind in set(kinds)}

    latest: list[Piece] = []
    body = {"title": "5 % of requests fail", "rules": {rule.name: 1}}
    wait_until(
        lambda: {"route", "error", "request", "line"} <= set(found()), 30, "evidence"
    )
    with made.writing() as page:
        opened = page.open_incident("key", "critical", time.time(), body)
        keep(page, opened.id, time.time(), latest)
        page.note(opened.id, time.time(), "opened", "5 % of requests fail")
    yield made
    store.close()


def test_a_phone_is_enough_at_night(server, phone, book):
    staff = json.loads((server.home / "var" / "demo-logins.json").read_text())["staff"]
    # The address that every message has.
    phone.goto(f"{server.url}/spotter/incidents/one/?id=1")
    phone.fill("input[name=username]", staff["email"])
    phone.fill("input[name=password]", staff["password"])
    phone.click("[type=submit]")
    button = phone.get_by_role("button", name="Acknowledge")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= THUMB
    assert box["y"] + box["height"] < 844 / 2
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    button.tap()
    phone.wait_for_selector("text=Acknowledged by user")
    with book.reading() as page:
        incident = page.incident(1)
        assert incident is not None
        assert incident.state == "acknowledged"
    # One tap from the incident to the log lines of a request that failed.
    link = phone.locator(".items a.more", has_text="log lines").first
    link.tap()
    phone.wait_for_selector(".loglines li.error")
    assert "DemonstrationError" in phone.locator(".loglines").inner_text()
    phone.go_back()
    phone.get_by_role("link", name="Mute").tap()
    phone.fill("input[name=reason]", "we are at it")
    phone.get_by_role("button", name="Mute until incident 1 ends").tap()
    phone.wait_for_selector("text=Take it back")
    with book.reading() as page:
        (silence,) = page.silences(time.time())
    assert (silence.incident, silence.reason) == (1, "we are at it")
