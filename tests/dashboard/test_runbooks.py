"""Every rule has a page that says what to do, and every page is true."""

from __future__ import annotations

import re
import shlex

import pytest
from django.core.management import get_commands, load_command_class
from django.test import Client

from spotter.alerts.book import Book
from spotter.alerts.rules import runbook_of
from spotter.alerts.shipped import shipped
from spotter.alerts.watcher import place
from spotter.dashboard.markdown import to_html
from spotter.dashboard.pages import PAGES as ALL_PAGES
from spotter.dashboard.pages.runbooks import PAGES, runbooks
from spotter.stores.contract import StoreError
from spotter.stores.sqlite import MEMORY, SqliteStore

RULES = [rule.name for rule in shipped(lambda: Book(SqliteStore(MEMORY)))]
SECTIONS = [
    "## Is it real?",
    "## What it usually is",
    "## What to do now",
    "## So that it does not happen again",
]
NAMES = sorted(runbooks())


def test_every_rule_has_a_runbook_and_every_runbook_a_rule():
    assert sorted(runbook_of(name) for name in RULES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_says_what_it_means_whether_it_is_real_why_what_to_do(name):
    text = runbooks()[name]
    assert runbook_of(text.partition("\n")[0].removeprefix("# ")) == name
    places = [text.find(f"\n{section}") for section in SECTIONS]
    assert -1 not in places
    assert places == sorted(places)
    causes = text.split(SECTIONS[1])[1].split("\n## ")[0]
    assert len(re.findall(r"^\d+\. ", causes, re.MULTILINE)) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_what_a_runbook_points_at_is_there(name):
    text = runbooks()[name]
    links = re.findall(r"\]\(([a-z-]+)\.md\)", text)
    assert set(links) <= set(NAMES)
    prose = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)
    titles = {page.menu: page.path for page in ALL_PAGES if page.menu}
    for bold in re.findall(r"(?<!\d\. )\*\*([A-Z]\w+)\*\*", prose):
        if bold in titles:
            assert PAGES[bold] == titles[bold]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_spotters_in_a_runbook_is_one(name):
    commands = re.findall(r"manage\.py (spotter [^`\n&|;]+)", runbooks()[name])
    command = load_command_class(get_commands()["spotter"], "spotter")
    for each in commands:
        parser = command.create_parser("manage.py", "spotter")
        parser.parse_args(shlex.split(each)[1:])


def test_the_services_troubleshooting_is_written_out():
    found = runbooks()
    for name, words in {
        "high-error-rate": ["Sentry", "errors.log", "/health/", "database and cache", "releases"],
        "slow-responses": ["Sentry", "django.db.backends", "api.log", "hit rates", "CPU and memory"],
        "health-check-failing": ["/health/", "errors.log", "database", "Redis", "SendGrid, Twilio"],
    }.items():  # fmt: skip
        steps = found[name].split("## What to do now")[1].split("\n## ")[0]
        at = [steps.find(word) for word in words]
        assert -1 not in at
        assert at == sorted(at)


def test_a_runbook_is_shown_with_links_to_pages_and_other_runbooks(store):
    page = Client().get("/spotter/runbooks/high-error-rate/").content.decode()
    assert '<a href="/spotter/requests/">Requests</a>' in page
    assert '<a href="/spotter/runbooks/database-down/">DatabaseDown</a>' in page
    assert "<code>manage.py spotter logs show REQUEST_ID</code>" in page


def test_a_runbook_can_be_read_while_the_database_that_knows_who_asks_is_down(settings):
    settings.SPOTTER = {"DASHBOARD_ACCESS": "tests.dashboard.conftest.broken"}
    assert Client().get("/spotter/runbooks/database-down/").status_code == 200
    assert Client().get("/spotter/queries/").status_code == 403


def test_a_runbook_can_be_read_while_the_store_cannot(store, monkeypatch):
    def gone(reader):
        raise StoreError("it is gone")

    monkeypatch.setattr("spotter.dashboard.reading.Reader.written_at", gone)
    page = Client().get("/spotter/runbooks/monitoring-no-data/").content.decode()
    assert "What it usually is" in page
    assert "be read" not in page.split("<main")[1].split("<h2>")[0]


def test_the_list_names_every_rule_with_what_it_means(store):
    page = Client().get("/spotter/runbooks/").content.decode()
    assert all(f">{name}</a>" in page for name in RULES)
    assert "users see error pages now." in page


def test_who_may_not_see_the_dashboard_sees_no_runbook(settings):
    settings.SPOTTER = {"DASHBOARD_ACCESS": "tests.dashboard.conftest.nobody"}
    assert Client().get("/spotter/runbooks/high-cpu/").status_code == 403


@pytest.mark.parametrize("end", ["high-cpu", "high-cpu/", "HighCPU"])
def test_a_runbook_is_found_however_it_is_asked_for(store, end):
    answer = Client().get(f"/spotter/runbooks/{end}")
    assert answer.status_code == 200
    assert b"py-spy dump" in answer.content


def test_a_runbook_that_there_is_not_says_so_and_lists_the_others(store):
    page = Client().get("/spotter/runbooks/nothing/").content.decode()
    assert "There is no such runbook" in page
    assert "HighErrorRate" in page


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PUBLIC_URL": "https://a.example/spotter"}, "https://a.example/spotter/runbooks/"),
        ({"RUNBOOK_URL": "https://wiki.example/r"}, "https://wiki.example/r/"),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_message_links_to_the_dashboards_runbooks_unless_told_otherwise(
    settings, given, expected
):
    settings.SPOTTER = given
    assert place().runbooks == expected


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a <b> & c", "<p>a &lt;b&gt; &amp; c</p>"),
        ("`<x>`", "<p><code>&lt;x&gt;</code></p>"),
        ("[x](javascript:1)", "<p>x</p>"),
        ("[x](https://e.example/?a=1&b=2)", '<p><a href="https://e.example/?a=1&amp;b=2">x</a></p>'),
        ("## A\nb\nc", "<h2>A</h2><p>b c</p>"),
        ("1. a\n2. **b**", "<ol><li>a</li><li><strong>b</strong></li></ol>"),
        ("```\n<a>\n\n```", '<pre tabindex="0"><code>&lt;a&gt;\n</code></pre>'),
    ],
)  # fmt: skip
def test_markdown_is_html_and_never_more(text, html):
    resolve = lambda target: target if target.startswith("https://") else ""  # noqa: E731
    assert to_html(text, resolve) == html
