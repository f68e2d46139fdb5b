"""What a request asks of its caches is counted by the prefixes of all its keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from django.core.cache import CacheHandler
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpResponse
from django.test import RequestFactory

from spotter.middleware import SpotterMiddleware
from spotter.recorders.cache_points import prefix_of
from spotter.recorders.cache_shares import MAX_SHARES, shares_of
from tests.kept import recorded

LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
LOOKUPS = "spotter.cache.lookups"


@pytest.fixture
def cache(kept, tmp_path):
    place = {"BACKEND": LOCMEM, "LOCATION": str(tmp_path)}
    return CacheHandler({"default": place})["default"]


def request(work: Callable[[], object]) -> None:
    """Do something in a request that is measured."""

    def view(_request):
        work()
        return HttpResponse()

    SpotterMiddleware(view)(RequestFactory().get("/"))


def lookups() -> dict[tuple[str, str], float]:
    """How many were found and not, by prefix, of those that were looked up."""
    found = recorded(LOOKUPS, "cache.prefix", "result")
    return {group: point.sum for group, point in found.items() if point.sum}


def test_a_key_that_is_named_is_counted_by_its_prefix(cache):
    def work():
        cache.set(key="user:1", value=7)
        cache.get(key="user:1")
        asyncio.run(cache.aget(key="user:2"))
        cache.get_or_set(key="menu:1", default=5)
        cache.get_many(keys=["slots:1"])

    request(work)
    assert lookups() == {
        ("user", "hit"): 1,
        ("user", "miss"): 1,
        ("menu", "miss"): 1,
        ("slots", "miss"): 1,
    }


@pytest.mark.parametrize("once", [True, False])
def test_many_keys_are_counted_each_by_its_own_prefix(cache, once):
    keys = ["user:1", "user:2", "menu:1", "menu:2", "menu:2", "slots_1"]

    def work():
        cache.set_many({"user:1": 1, "slots_1": 1})
        assert cache.get_many(iter(keys) if once else keys) == {
            "user:1": 1,
            "slots_1": 1,
        }

    request(work)
    assert lookups() == {
        ("user", "hit"): 1,
        ("user", "miss"): 1,
        ("menu", "miss"): 2,
        ("slots", "hit"): 1,
    }


def test_many_keys_without_a_colon_are_of_a_bounded_number_of_kinds():
    shares = shares_of([f"user_{n}" for n in range(10 * MAX_SHARES)], {"user_1"})
    assert len(shares) == MAX_SHARES
    assert sum(hits for hits, _ in shares.values()) == 1
    assert sum(misses for _, misses in shares.values()) == 10 * MAX_SHARES - 1


@pytest.mark.parametrize(
    "key",
    [
        "user:17", "user17:cart", "user:jane@example.com", "jane+cart%40example.com:1",
        "kJh9sPq:1", "ann", "a" * 60 + ":1", "news:" + "a" * 300, ":1", "a:b:c",
    ],
)  # fmt: skip
def test_the_beginning_of_a_key_has_the_keys_prefix(key):
    (head,) = shares_of([key], ())
    assert prefix_of(head) == prefix_of(key)


def test_an_operation_that_is_no_lookup_counts_none(cache):
    def work():
        cache.set_many({"user:1": 1, "menu:1": 2})
        cache.delete_many(["user:1", "menu:1"])
        cache.set("user:1", 1)
        cache.delete("user:1")

    request(work)
    found = recorded("spotter.cache.operation.duration", "operation")
    assert set(found) == {"set_many", "delete_many", "set", "delete"}
    assert lookups() == {}


def test_each_operation_is_timed_by_the_prefix_of_its_key(cache):
    def work():
        cache.set("user:1", 1)
        cache.set("user:2", 1)
        cache.get("user:1")
        cache.delete("user:1")
        cache.delete("menu:1")
        cache.touch(key="menu:1")
        cache.clear()

    request(work)
    found = recorded("spotter.cache.operation.duration", "operation", "cache.prefix")
    assert {group: point.count for group, point in found.items()} == {
        ("set", "user"): 2,
        ("get", "user"): 1,
        ("delete", "user"): 1,
        ("delete", "menu"): 1,
        ("touch", "menu"): 1,
        ("clear", "(none)"): 1,
    }
    assert all(point.sum > 0 for point in found.values())


def test_an_operation_on_keys_of_several_prefixes_is_timed_once(cache):
    def work():
        cache.set_many({"user:1": 1, "menu:1": 2})
        cache.get_many(["user:1", "menu:1"])
        cache.delete_many(["user:1", "user:2"])

    request(work)
    found = recorded("spotter.cache.operation.duration", "operation", "cache.prefix")
    assert {group: point.count for group, point in found.items()} == {
        ("set_many", "(several)"): 1,
        ("get_many", "(several)"): 1,
        ("delete_many", "user"): 1,
    }


class Refusing(LocMemCache):
    """A server that is there to read from, and writes nothing."""

    def set(self, *args, **kwargs):
        raise ConnectionError("read only")

    def delete(self, *args, **kwargs):
        raise TimeoutError


def test_what_fails_is_counted_by_operation_and_prefix(kept, tmp_path):
    place = {"BACKEND": f"{__name__}.Refusing", "LOCATION": str(tmp_path)}
    cache = CacheHandler({"sessions": place})["sessions"]

    def work():
        cache.get("user:1")
        for _ in range(2):
            with pytest.raises(ConnectionError, match="read only"):
                cache.set("user:1", 1)
        with pytest.raises(TimeoutError):
            cache.delete("menu:1")

    request(work)
    by = ("cache.alias", "operation", "cache.prefix", "error.type")
    found = recorded("spotter.cache.errors", *by)
    assert {group: point.sum for group, point in found.items()} == {
        ("sessions", "set", "user", "ConnectionError"): 2,
        ("sessions", "delete", "menu", "TimeoutError"): 1,
    }
    timed = recorded("spotter.cache.operation.duration", "operation")
    assert {name: point.count for name, point in timed.items()} == {
        "get": 1,
        "set": 2,
        "delete": 1,
    }
