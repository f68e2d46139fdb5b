"""What is said about a cache, below, at and above each limit."""

from __future__ import annotations

import dataclasses

import pytest

from spotter.dashboard.cache_advice import (
    MEANINGS,
    advice,
    explained,
    in_short,
    is_in_danger,
)
from spotter.dashboard.cache_facts import CacheFacts

REDIS = CacheFacts(
    alias="default", system="redis", policy="allkeys-lru", memory=50.0, limit=100.0
)
MEMORY = CacheFacts(
    alias="rates", system="memory", policy="culling", entries=300, entries_limit=300
)


def kinds(cache, hits=None, minutes=60.0):
    return [(f.kind, f.tone) for f in advice([cache], {cache.alias: hits}, minutes)]


def redis(**changes):
    return dataclasses.replace(REDIS, **changes)


@pytest.mark.parametrize(
    ("policy", "memory", "found"),
    [
        ("noeviction", 89.9, []),
        ("noeviction", 90, [("cache_refuses", "bad")]),
        ("noeviction", 90.1, [("cache_refuses", "bad")]),
        ("volatile-lru", 90, [("cache_refuses", "warn")]),
        ("volatile-ttl", 89, []),
        ("allkeys-lru", 100, []),
    ],
)
def test_a_cache_that_will_refuse_writes_is_told_before_it_does(policy, memory, found):
    assert kinds(redis(policy=policy, memory=memory)) == found
    assert is_in_danger(redis(policy=policy, memory=memory)) == bool(found)


def test_a_cache_without_a_limit_is_never_nearly_full():
    cache = redis(policy="noeviction", limit=None)
    assert kinds(cache) == []
    assert in_short(cache) == "has no limit"
    assert "without maxmemory" in explained([cache])


@pytest.mark.parametrize(
    ("evictions", "hits", "found"),
    [
        (99, 0.5, []),
        (100, 0.5, ["cache_evicts"]),
        (101, 0.79, ["cache_evicts"]),
        (101, 0.8, []),
        # A cache that evicts and hits does what it is there for.
        (9999, 0.99, []),
        (9999, None, []),
    ],
)
def test_evictions_matter_where_they_are_missed(evictions, hits, found):
    assert [kind for kind, _ in kinds(redis(evictions=evictions), hits)] == found


@pytest.mark.parametrize(
    ("culls", "found"), [(9, []), (10, ["cache_culls"]), (11, ["cache_culls"])]
)
def test_local_memory_that_is_full_again_and_again_is_told(culls, found):
    cache = dataclasses.replace(MEMORY, culls=culls)
    assert [kind for kind, _ in kinds(cache)] == found


def test_a_server_that_does_not_tell_is_told_of():
    assert kinds(redis(is_up=False)) == [("cache_silent", "warn")]


def test_the_worst_comes_first():
    bad = redis(policy="noeviction", memory=95, is_up=False)
    assert [tone for _, tone in kinds(bad)] == ["bad", "warn"]


def test_memcached_is_not_given_the_advice_for_redis():
    cache = redis(system="memcached", policy="noeviction", memory=95)
    (finding,) = advice([cache], {}, 60)
    assert "without -M" in finding.advice
    assert "CONFIG" not in finding.advice


@pytest.mark.parametrize("policy", [p for p in MEANINGS if p != "culling"])
def test_each_policy_in_use_is_explained_by_name(policy):
    cache = redis(policy=policy)
    assert policy in in_short(cache)
    assert f"{policy} {MEANINGS[policy][1]}." in explained([cache])


def test_a_policy_that_is_not_known_is_shown_as_it_is():
    assert in_short(redis(policy="allkeys-lrm")) == "allkeys-lrm"
    assert explained([redis(policy="allkeys-lrm")]) == ""
