"""Counters of a server that starts anew, and servers that are one cache together."""

from __future__ import annotations

import dataclasses

import pytest

from spotter.recorders.cache_servers.status import (
    Status,
    grown,
    holders,
    scope_of,
    together,
)

EVICTIONS = "spotter.cache.evictions"


def server(evictions=0, **changes):
    known = {
        "address": "cache:6379/0", "system": "redis", "policy": "allkeys-lru",
        "is_local": False, "life": "one", "uptime": 100, "totals": {EVICTIONS: evictions},
    }  # fmt: skip
    return Status(**{**known, **changes})


@pytest.mark.parametrize(
    ("before", "now", "amount"),
    [
        (None, server(7), 0),
        (server(7), server(7), 0),
        (server(7), server(9), 2),
        # Started anew: everything since is new, even where it is more than before.
        (server(7), server(3, life="two"), 3),
        (server(7), server(9, life="two"), 9),
        # In a container every life has the same process id.
        (server(7), server(9, uptime=99), 9),
        # Somebody reset the statistics of a server that runs on.
        (server(7), server(6), 6),
    ],
)
def test_a_total_grows_by_what_came_since_the_last_look(before, now, amount):
    assert grown(before, now) == {EVICTIONS: amount}


@pytest.mark.parametrize(
    ("amounts", "sum_"), [([1, 2], 3), ([0], 0), ([1, None], None), ([], None)]
)
def test_servers_add_up_when_all_of_them_are_known(amounts, sum_):
    assert together(amounts) == sum_


def test_what_a_replica_holds_is_held_once():
    primary, replica = server(), server(is_replica=True)
    assert holders([primary, replica]) == [primary]
    assert holders([replica]) == [replica]


def test_a_cache_is_a_hosts_own_when_all_its_servers_are():
    own = dataclasses.replace(server(), is_local=True)
    assert scope_of([own, own]) == "host"
    assert scope_of([own, server()]) == "shared"
