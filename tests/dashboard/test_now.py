"""The verdict is of what is now, whatever period is shown."""

from __future__ import annotations

import datetime
import html
import re
import time

import pytest

from spotter.dashboard import reading
from spotter.entries import Batch, Series

pytestmark = pytest.mark.django_db
PERIODS = ["15m", "1h", "90d"]


@pytest.fixture
def now():
    return time.time() - 5


@pytest.fixture
def written(store):
    """Write what a function puts into a batch."""

    def write(*facts):
        batch = Batch()
        for put, *given in facts:
            put(batch, *given)
        store.write(batch)
        store.roll_up(time.time())

    return write


@pytest.fixture
def told(store, client):
    """What the overview tells: the address of each kind's evidence."""

    def look(query="") -> dict[str, str]:
        page = client.get(f"/spotter/?{query}").content.decode()
        parts = re.findall(r'data-kind="(\w+)">.*?</article>', page, re.S)
        articles = re.split(r"data-kind=", page)[1:]
        links = [re.search(r'href="([^"]*)"', each) for each in articles]
        return {
            kind: html.unescape(link[1]) if link else ""
            for kind, link in zip(parts, links, strict=True)
        }

    return look


def requests(batch, at, count, status=200, seconds=0.02, route="/a"):
    of = {"http.route": route, "http.response.status_code": str(status)}
    for _ in range(count):
        all_ = {"http.response.status_class": f"{status // 100}xx"}
        for name, labels in (
            ("http.server.request.duration", of),
            ("spotter.http.server.duration", all_),
        ):
            batch.point(Series.of(name, labels), at).observe(seconds)


def good(batch, now, minutes, each=25):
    for minute in range(minutes):
        requests(batch, now - 60 * minute, each)
        lookups(batch, now - 60 * minute, hits=400, misses=20)


def slow(batch, at, count, route):
    requests(batch, at, count, seconds=3.0, route=route)


def failed(batch, at, count):
    requests(batch, at, count, status=500)


def lookups(batch, at, *, hits=0, misses=0, prefix="slots"):
    for result, amount in (("hit", hits), ("miss", misses)):
        of = {"cache.alias": "default", "cache.prefix": prefix, "result": result}
        batch.point(Series.of("spotter.cache.lookups", of), at).add(amount)


def storm(batch, at):
    lookups(batch, at, misses=4000, prefix="storm")


def statements(batch, at, count, seconds):
    of = {"db.query.fingerprint": "a" * 16, "db.alias": "default"}
    for _ in range(count):
        series = Series.of("spotter.db.statement.duration", of)
        batch.point(series, at).observe(seconds)


def gauge(batch, name, readings):
    for at, value in readings.items():
        batch.point(Series.of(name, {"host.name": "web-1"}), at).set(value, at)


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ((failed, 20), "errors"),
        ((slow, 6, "/a"), "slow_requests"),
        ((storm,), "cache_misses"),
        ((statements, 10, 0.5), "slow_query"),
    ],
)
def test_what_has_just_begun_is_told_after_an_hour_that_was_good(
    written, told, now, period, fault, kind
):
    put, *given = fault
    written(
        (good, now, 60), *((statements, now - 60 * m, 80, 0.01) for m in range(6, 60))
    )
    assert told(f"period={period}") == {}
    written((put, now - 5, *given))
    reading._kept.clear()
    assert list(told(f"period={period}")) == [kind]


@pytest.mark.parametrize("period", PERIODS)
def test_what_is_long_over_is_told_of_its_own_time_alone(written, told, now, period):
    over = now - 2400
    written((good, now, 50), (failed, over, 60), (storm, over), (slow, over, 20, "/b"))
    assert told(f"period={period}") == {}
    start, end = (
        f"{datetime.datetime.fromtimestamp(at, datetime.UTC):%Y-%m-%dT%H:%M:%S}"
        for at in (over - 60, over + 60)
    )
    found = told(f"from={start}&to={end}")
    assert list(found) == ["errors", "slow_requests", "cache_misses"]
    assert all("from=" in link for link in found.values())


@pytest.mark.parametrize(
    ("ago", "each", "shown"),
    [
        (240, 25, "15m"),
        (700, 25, None),
        (700, 10, "15m"),
        (2400, 10, None),
        (2400, 0, "1h"),
        (4800, 0, None),
    ],
)
def test_with_little_traffic_more_is_looked_at_and_the_evidence_is_shown(
    written, told, now, ago, each, shown
):
    written((failed, now - ago, 20), (good, now, 20, each))
    found = told("period=90d")
    assert [*found] == (["errors"] if shown else [])
    assert all(f"period={shown}" in link for link in found.values())


@pytest.mark.parametrize(
    ("each", "minutes"), [(25, "5 minutes"), (10, "15 minutes"), (0, "60 minutes")]
)
def test_the_page_says_of_which_time_the_verdict_is(
    written, client, now, each, minutes
):
    written((good, now, 20, each))
    page = client.get("/spotter/?period=90d").content.decode()
    assert f"Of the last {minutes};" in page


def test_a_processor_that_was_busy_is_not_busy_now(written, told, now):
    busy = {now - 60 * minute: 0.2 if minute < 5 else 0.99 for minute in range(50)}
    written((good, now, 6), (gauge, "system.cpu.utilization", busy))
    assert told("period=1h") == {}


def test_a_processor_that_is_busy_now_is_told(written, told, now):
    busy = {now - 60 * minute: 0.99 if minute < 6 else 0.2 for minute in range(50)}
    written((good, now, 6), (gauge, "system.cpu.utilization", busy))
    assert [*told("period=1h")] == ["cpu"]


def test_slow_requests_of_a_quiet_route_are_told_on_a_busy_service(written, told, now):
    busy = [(requests, now, 30, 200, 1.2, f"/busy/{number}") for number in range(30)]
    written(*busy, (slow, now, 6, "/quiet"))
    assert "route=%2Fquiet" in told()["slow_requests"]


def test_memory_that_grows_slowly_is_told_of_the_period(written, told, store, now):
    batch = Batch()
    of = {"host.name": "web-1", "process.pid": "7"}
    series = Series.of("process.memory.usage", of)
    for minute in range(50, -1, -1):
        at = now - 60 * minute
        batch.point(series, at).set(1e8 + 2e6 * (50 - minute), at)
    store.write(batch)
    written((good, now, 6))
    assert [*told("period=1h")] == ["memory_growth"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(2.5, "waiting for the database"), (0.5, "in Python or on calls")],
)
def test_it_is_told_what_slow_requests_wait_for(
    written, client, store, now, seconds, said
):
    batch = Batch()
    of = Series.of("spotter.http.server.db.duration", {"http.route": "/waits"})
    for _ in range(6):
        batch.point(of, now).note(seconds)
    store.write(batch)
    written((good, now, 6), (slow, now, 6, "/waits"))
    assert said in client.get("/spotter/").content.decode()
