"""Examples are those of the period, and the worst are never crowded out."""

from __future__ import annotations

import re
import time

import pytest

from spotter.entries import FAILED_WEIGHT, SLOW_WEIGHT, Batch, Sample, Series

pytestmark = pytest.mark.django_db

ROUTE = "/api/clients/"
HOUR = 3600
WEIGHTS = {"failed": FAILED_WEIGHT, "slow": SLOW_WEIGHT, "sampled": 0.0}


def look(client, page, **asked):
    return str(client.get(f"/spotter/{page}", asked).content.decode())


def shown(page):
    """What the examples on a page say, in their order."""
    return re.findall(r"GET (/[\w-]+)", page)


def example(path, at, *, why="sampled", key=ROUTE):
    body = {
        "method": "GET", "path": path, "route": key, "why": why, "duration": 0.5,
        "status": 500 if why == "failed" else 200, "started_at": at, "request_id": path,
        "db_queries": 3,
    }  # fmt: skip
    return Sample(kind="request", key=key, at=at, weight=WEIGHTS[why] + 0.5, body=body)


def requests(at, *, failed=0):
    """A batch in which requests were measured, of which so many failed."""
    batch = Batch()
    for name, labels in (
        ("http.server.request.duration", {"http.route": ROUTE, "http.request.method": "GET", "http.response.status_code": 500 if failed else 200}),
        ("spotter.http.server.duration", {"http.response.status_class": "5xx" if failed else "2xx"}),
    ):  # fmt: skip
        batch.point(Series.of(name, labels), at).observe(0.5)
    return batch


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


@pytest.mark.parametrize(
    ("page", "asked"), [("", {}), ("requests/route/", {"route": ROUTE})]
)
def test_of_a_past_range_its_own_examples_are_shown(store, client, page, asked):
    now = time.time() // HOUR * HOUR
    start, end = now - 5 * HOUR, now - 3 * HOUR
    batch = requests(start + 5, failed=1)
    for path, at in (
        ("/before", start - 1), ("/first", start), ("/last", end - 1), ("/after", end), ("/now", now - 1),
    ):  # fmt: skip
        batch.samples.append(example(path, at, why="failed"))
    store.write(batch)
    text = look(client, page, **{"from": iso(start), "to": iso(end)}, **asked)
    assert shown(text) == ["/last", "/first"]


def test_of_a_past_range_its_own_tasks_are_shown(store, client):
    now = time.time() // HOUR * HOUR
    batch = Batch()
    for name, at in (("old", now - 5 * HOUR), ("new", now - HOUR)):
        body = {
            "system": "django", "name": name, "id": name, "attempt": 1, "wait": 0.1,
            "outcome": "failed", "duration": 1.0, "exception": f"Not{name}", "request_id": "",
        }  # fmt: skip
        batch.samples.append(
            Sample(kind="task", key=name, at=at, weight=1001, body=body)
        )
    store.write(batch)
    asked = {"from": iso(now - 6 * HOUR), "to": iso(now - 4 * HOUR)}
    page = look(client, "tasks/", **asked)
    assert "Notold" in page
    assert "Notnew" not in page


def test_a_failure_is_shown_though_hundreds_of_others_came_later(store, client):
    now = time.time()
    batch = requests(now - 800, failed=1)
    batch.samples = [
        example(f"/sampled-{n}", now - 2 * n, key=f"/api/{n}/") for n in range(400)
    ]
    batch.samples.append(example("/broken", now - 800, why="failed"))
    store.write(batch)
    page = look(client, "", period="1h")
    assert shown(page) == ["/broken"]
    assert "No request failed" not in page


def test_where_no_failed_request_is_kept_nobody_says_that_none_failed(store, client):
    store.write(requests(time.time() - 60, failed=1))
    page = look(client, "")
    assert "None of those that failed is kept" in page
    assert "No request failed" not in page


def test_a_route_shows_first_what_failed_then_what_was_slow(store, client):
    now = time.time() // HOUR * HOUR
    batch = requests(now - 60)
    # Of each hour five are kept, of any weight.
    batch.samples = [
        example(f"/sampled-{n}", now - HOUR * (1 + n // 5) + n % 5) for n in range(60)
    ]
    batch.samples += [example("/slow", now - 20 * HOUR, why="slow")]
    batch.samples += [example("/broken", now - 22 * HOUR, why="failed")]
    store.write(batch)
    found = shown(look(client, "requests/route/", route=ROUTE, period="24h"))
    assert found[:3] == ["/broken", "/slow", "/sampled-4"]
    assert len(found) == len(set(found)) == 30
