"""The first page's numbers, each compared with the period before."""

from __future__ import annotations

import re

import pytest
import time_machine

from spotter.entries import Batch, Series

pytestmark = pytest.mark.django_db

NOW = 1_764_064_800
HOUR = 3600
TILE = re.compile(r'<div class="tile .*?</div>', re.DOTALL)


def look(client, **asked):
    return str(client.get("/spotter/", asked).content.decode())


def saturation(page):
    """The words of the last of the four tiles."""
    return re.sub(r"<[^>]+>|\s+", " ", TILE.findall(page)[3])


@pytest.fixture
def at_noon(store):
    with time_machine.travel(NOW, tick=False):
        yield store


def gauges(store, values):
    """Write what was read of metrics, by how many seconds before now."""
    batch = Batch()
    for ago, name, value in values:
        of = {"host.name": "web-1"}
        if not name.startswith("system."):
            of["process.pid"] = "7"
        point = batch.point(Series.of(name, of), NOW - ago)
        point.set(value, NOW - ago)
    store.write(batch)


BUSY, COUNT = "spotter.workers.busy", "spotter.workers.count"
CPU, ACTIVE = "system.cpu.utilization", "http.server.active_requests"


@pytest.mark.parametrize(
    ("now", "before", "title"),
    [
        ({BUSY: 6.0, COUNT: 8.0}, {BUSY: 4.0, COUNT: 8.0}, "Busy workers"),
        ({CPU: 0.6}, {CPU: 0.4}, "CPU"),
        ({ACTIVE: 3.0}, {ACTIVE: 2.0}, "Requests in flight"),
    ],
)
def test_saturation_is_compared_with_the_period_before(
    at_noon, client, now, before, title
):
    values = [(20, *each) for each in now.items()]
    gauges(at_noon, values + [(1000, *each) for each in before.items()])
    told = saturation(look(client, period="15m"))
    assert title in told
    assert "+50 %" in told


@pytest.mark.parametrize("name", [CPU, ACTIVE])
def test_saturation_says_that_there_is_nothing_to_compare_with(at_noon, client, name):
    gauges(at_noon, [(20, name, 0.5)])
    assert "nothing to compare with" in saturation(look(client, period="15m"))


def test_processes_are_not_compared_with_a_day_of_which_little_is_kept(at_noon, client):
    gauges(at_noon, [(20, ACTIVE, 3.0), (25 * HOUR, ACTIVE, 2.0)])
    told = saturation(look(client, period="24h"))
    assert "nothing to compare with" in told


def test_the_period_before_costs_one_statement_more(at_noon, client, monkeypatch):
    gauges(at_noon, [(ago, name, 4.0) for ago in (20, 1000) for name in (BUSY, COUNT)])
    asked: list[int] = []
    original = at_noon.totals

    def totals(queries):
        asked.append(len(queries))
        return original(queries)

    monkeypatch.setattr(at_noon, "totals", totals)
    look(client, period="15m")
    assert asked.count(2) == 1
    assert asked[-1] == 2  # Busy and all workers, after what the period itself needs.
