"""Hosts and workers: what lives is shown, what is gone is not."""

from __future__ import annotations

import html
import re
import time

import pytest

from spotter.entries import Batch, Series
from spotter.recording import deploys
from spotter.recording.deploys import Mark

pytestmark = pytest.mark.django_db


def page(client, query=""):
    """The page's tables, by their titles: rows of texts."""
    text = client.get(f"/spotter/hosts/{query}").content.decode()
    sections = re.findall(
        r'<section class="table-block">.*?<h2>(.*?)</h2>(.*?)</section>', text, re.S
    )
    return {
        title.partition(" (")[0]: [
            [
                html.unescape(re.sub(r"<[^>]*>", "", cell)).strip()
                for cell in re.findall(r"<td.*?</td>", row, re.S)
            ]
            for row in re.findall(r"<tr>(?:<td).*?</tr>", body, re.S)
        ]
        for title, body in sections
    }


def write(store, name, value, *, ago=0.0, **labels):
    at = time.time() - ago
    batch = Batch()
    dotted = {key.replace("_", "."): each for key, each in labels.items()}
    batch.point(Series.of(name, dotted), at).set(value, at)
    store.write(batch)


@pytest.mark.parametrize(
    ("ago", "seen"), [(30, "30 s ago"), (120, "missing, seen 2 min ago"), (310, None)]
)
def test_a_host_is_shown_then_missing_then_gone(store, client, ago, seen):
    write(store, "system.memory.utilization", 0.5, ago=1, host_name="web-1")
    write(store, "system.memory.utilization", 0.9, ago=ago, host_name="pod-7f")
    rows = {row[0]: row[1] for row in page(client)["Hosts"]}
    assert rows.get("pod-7f") == seen
    assert "web-1" in rows


def test_hosts_that_are_gone_are_counted_and_in_no_verdict(filled, client):
    text = client.get("/spotter/hosts/").content.decode()
    assert "1 more told of themselves in this period and are gone." in text
    assert "memory of web-0" not in client.get("/spotter/").content.decode()


def test_of_a_time_that_is_past_all_hosts_are_shown(filled, client):
    now = time.time()
    days = [time.strftime("%Y-%m-%dT%H:%M", time.gmtime(now - s)) for s in (5400, 3000)]
    hosts = page(client, f"?from={days[0]}&to={days[1]}")["Hosts"]
    assert [row[0] for row in hosts] == ["web-0", "web-1", "web-2"]


def test_workers_that_are_missing_and_were_killed_are_told(filled, client):
    assert page(client)["Web servers"] == [
        ["web-1", "gunicorn", "1200", "2 of 2", "2", "0"],
        ["web-2", "gunicorn", "1200", "1 of 2", "2", "2"],
    ]


def test_a_process_is_shown_with_its_release_and_busy_threads(filled, client):
    row = page(client)["Processes"][0]
    assert row[2:4] == ["2026.11.3", "2 of 16"]


def test_the_lag_of_a_loop_is_drawn_where_there_is_one(filled, store, client):
    assert "Event loop lag" in client.get("/spotter/hosts/").content.decode()


def test_without_a_loop_there_is_no_chart_of_its_lag(store, client):
    write(store, "system.memory.utilization", 0.5, host_name="web-1")
    assert "Event loop lag" not in client.get("/spotter/hosts/").content.decode()


def test_deploys_are_told_with_what_was_said_of_them(store, client):
    deploys.write(Mark(at=time.time() - 9, release="v1"), after=None)
    said = Mark(
        at=time.time(), release="v2", previous="v1", note="new <prices>",
        url="https://ci.example.com/17",
    )  # fmt: skip
    deploys.write(said, after=deploys.latest())
    rows = page(client)["Deploys"]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("v2", "v1", "new <prices>"),
        ("v1", "–", ""),  # noqa: RUF001 (typography)
    ]
    assert 'href="https://ci.example.com/17"' in client.get("/spotter/hosts/").text


def test_a_rollback_is_drawn_as_a_mark_of_its_own(store, client):
    for number, release in enumerate(("v1", "v2", "v1")):
        mark = Mark(at=time.time() - 90 + 30 * number, release=release)
        deploys.write(mark, after=deploys.latest())
    write(store, "system.cpu.utilization", 0.5, host_name="web-1")
    text = html.unescape(client.get("/spotter/hosts/").content.decode())
    drawn = re.findall(r'"deploy (v\d)"', text.partition("system.memory")[0])
    assert drawn[:3] == ["v1", "v2", "v1"]


def test_of_many_hosts_the_highest_are_drawn(store, client):
    for number in range(8):
        write(
            store, "system.cpu.utilization", number / 10, host_name=f"web-{number}"
        )  # fmt: skip
    text = html.unescape(client.get("/spotter/hosts/").content.decode())
    assert "CPU: 6 highest of 8 hosts" in text
    assert '"label": "web-7"' in text
    assert '"label": "web-1"' not in text
