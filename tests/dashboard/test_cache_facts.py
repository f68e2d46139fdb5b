"""What several hosts tell of the same caches, and of their own, is told once."""

from __future__ import annotations

import time

import pytest

from spotter.dashboard import cache_facts
from spotter.dashboard.cache_findings import urgent
from spotter.dashboard.period import period_of
from spotter.dashboard.reading import Reader
from spotter.entries import Batch
from tests.dashboard.filled_work import count, fill_server, gauge

NOW = time.time()
AT = NOW - 65


@pytest.fixture
def read(store):
    """Write what hosts told, and give what a page makes of it."""

    def written(batch):
        store.write(batch)
        return Reader(store, period_of({"period": "1h"}, NOW), NOW)

    return written


def told(batch, host, evictions, *, scope="shared", memory=5e7, policy="allkeys-lru"):
    of = {"cache.alias": "default", "host.name": host}
    fill_server(batch, AT, of, memory=memory, limit=1e8)
    count(batch, AT, "evictions", of, evictions)
    kind = {
        "cache.system": "redis",
        "cache.policy": policy,
        "cache.scope": scope,
    }
    gauge(batch, AT, "server.policy", of | kind, 1)


def test_servers_that_hosts_share_are_counted_once(read):
    batch = Batch()
    told(batch, "web-1", 100)
    told(batch, "web-2", 40)
    (cache,) = cache_facts.caches(read(batch))
    # The host that watched longest saw most.
    assert (cache.host, cache.evictions, cache.hits) == ("", 100, 880)
    assert (cache.memory, cache.limit, cache.fill) == (5e7, 1e8, 0.5)
    assert (cache.system, cache.policy) == ("redis", "allkeys-lru")


def test_each_hosts_own_server_is_one_of_its_own(read):
    batch = Batch()
    told(batch, "web-1", 100, scope="host")
    told(batch, "web-2", 40, scope="host", memory=7e7)
    found = cache_facts.caches(read(batch))
    assert [(c.host, c.evictions, c.memory) for c in found] == [
        ("web-1", 100, 5e7),
        ("web-2", 40, 7e7),
    ]


def test_the_memory_of_all_processes_is_one_cache(read):
    batch = Batch()
    for host, pid, entries in (("web-1", 1, 200), ("web-1", 2, 290), ("web-2", 1, 7)):
        of = {"cache.alias": "rates", "host.name": host}
        gauge(batch, AT, "entries", {**of, "process.pid": pid}, entries)
        gauge(batch, AT, "entries.limit", of, 300)
        count(batch, AT, "culls", of, 1)
        count(batch, AT, "evictions", of, 100)
    (cache,) = cache_facts.caches(read(batch))
    assert (cache.processes, cache.hosts) == (3, 2)
    assert (cache.entries, cache.entries_limit) == (290, 300)
    assert (cache.culls, cache.evictions) == (3, 300)


def test_processes_that_are_gone_hold_nothing(read):
    batch = Batch()
    of = {"cache.alias": "rates", "host.name": "web-1", "process.pid": 1}
    gauge(batch, AT - 600, "entries", of, 300)
    assert cache_facts.caches(read(batch)) == []


def test_a_server_that_never_told_is_shown_as_such(read):
    batch = Batch()
    of = {"cache.alias": "default", "host.name": "web-1"}
    gauge(batch, AT, "server.up", of, 0)
    (cache,) = cache_facts.caches(read(batch))
    assert (cache.is_up, cache.system, cache.memory) == (False, "", None)
    assert cache.told_at == 0


def test_a_chart_takes_of_shared_servers_the_most_and_of_memory_the_sum(read):
    batch = Batch()
    told(batch, "web-1", 100)
    told(batch, "web-2", 40)
    for host in ("web-1", "web-2"):
        of = {"cache.alias": "rates", "host.name": host}
        count(batch, AT, "evictions", of, 10)
        gauge(batch, AT, "entries", {**of, "process.pid": 1}, 5)
    found = cache_facts.windows_of(read(batch), "spotter.cache.evictions")
    grown = {key: [v for v in values if v is not None] for key, values in found.items()}
    assert grown == {("default", ""): [100], ("rates", ""): [20]}


@pytest.mark.parametrize(
    ("memory", "policy", "kinds"),
    [
        (8.9e7, "noeviction", []),
        (9e7, "noeviction", ["cache_refuses"]),
        (9.9e7, "allkeys-lru", []),
        # It can wait until somebody looks at the page of the caches.
        (9.9e7, "volatile-lru", []),
    ],
)
def test_the_first_page_tells_of_a_cache_that_will_refuse_writes(
    read, memory, policy, kinds
):
    batch = Batch()
    told(batch, "web-1", 0, memory=memory, policy=policy)
    found = urgent(read(batch))
    assert [finding.kind for finding in found] == kinds
    assert all("/cache/" in finding.href for finding in found)


def test_the_first_page_asks_little_where_no_cache_is_full(read, monkeypatch):
    reader = read(Batch())
    asked: list[str] = []

    def nothing(query):
        asked.append(query.name)
        return {}

    monkeypatch.setattr(reader.store, "total", nothing)
    assert urgent(reader) == []
    assert asked == ["spotter.cache.memory.limit"]
