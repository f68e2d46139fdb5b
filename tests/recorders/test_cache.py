"""Lookups are counted right, and no cache call gives anything else than before."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from django.core.cache import CacheHandler, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spotter.recorders import cache as recorder
from spotter.recorders.cache import CountedCache, counted_class
from spotter.rescue import ignore

BACKENDS = "django.core.cache.backends"


@pytest.fixture(params=["locmem", "file", "database", "redis", "dummy"])
def twins(request, tmp_path):
    """Two caches of a kind; only the first is counted."""
    return [make(request, tmp_path, name) for name in ("counted", "bare")]


def make(request, tmp_path, name):
    bare = name == "bare"
    if request.param == "redis":
        server = request.getfixturevalue("redis")
        kind, location = "redis.RedisCache", server.url()
    elif request.param == "database":
        request.getfixturevalue("db")
        call_command("createcachetable", "cache_table", verbosity=0)
        kind, location = "db.DatabaseCache", "cache_table"
    else:
        kind, location = {
            "locmem": ("locmem.LocMemCache", f"{tmp_path}-{name}"),
            "file": ("filebased.FileBasedCache", str(tmp_path / name)),
            "dummy": ("dummy.DummyCache", ""),
        }[request.param]
    options = {"BACKEND": f"{BACKENDS}.{kind}", "LOCATION": location}
    made = CacheHandler({"default": options | {"KEY_PREFIX": name}})["default"]
    if bare:
        made.__class__ = type(made).__mro__[2]
    return made


def outcome(cache, name, *args, **kwargs):
    """What a call gives or raises."""
    try:
        result = getattr(cache, name)(*args, **kwargs)
        return asyncio.run(result) if inspect.iscoroutine(result) else result
    except Exception as error:  # noqa: BLE001 (what it raises is compared)
        return type(error), str(error).replace(cache.key_prefix, "")


CALLS: list[tuple[Any, ...]] = [
    ("get", "absent"),
    ("get", "absent", 7),
    ("set", "none", None),
    ("get", "none", 7),
    ("set", "zero", 0),
    ("get", "zero", 7),
    ("get", "zero", 0),
    ("set", "seven", 7),
    ("get", "seven", 7),
    ("add", "seven", 8),
    ("add", "eight", 8),
    ("has_key", "seven"),
    ("has_key", "absent"),
    ("__contains__", "seven"),
    ("incr", "seven"),
    ("incr", "absent"),
    ("decr", "seven", 2),
    ("incr_version", "seven"),
    ("incr_version", "absent"),
    ("get", "seven", None, 2),
    ("touch", "zero", 100),
    ("touch", "absent"),
    ("get_many", ["zero", "none", "absent", "zero"]),
    ("get_many", []),
    ("set_many", {"a": 1, "b": 2}),
    ("get_or_set", "a", 5),
    ("get_or_set", "made", lambda: 5),
    ("get_or_set", "null", None),
    ("get_or_set", "absent-two", None),
    ("delete", "a"),
    ("delete_many", ["b", "c"]),
    ("get",),
    ("get_or_set", "key-only"),
    ("get_many",),
    ("clear",),
    ("get", "zero"),
]


def test_every_call_gives_what_it_gives_uncounted(twins, request_context):
    counted, bare = twins
    assert isinstance(counted, CountedCache)
    assert not isinstance(bare, CountedCache)
    for call in CALLS:
        assert outcome(counted, *call) == outcome(bare, *call), call


def test_every_async_call_gives_what_it_gives_uncounted(twins, request_context):
    counted, bare = twins
    for name, *args in CALLS:
        if not name.startswith("__"):
            call = (f"a{name}", *args)
            assert outcome(counted, *call) == outcome(bare, *call), call


@pytest.fixture
def cache(request_context, tmp_path):
    options = {"BACKEND": f"{BACKENDS}.locmem.LocMemCache", "LOCATION": str(tmp_path)}
    made = CacheHandler({"default": options})["default"]
    made.set_many({"none": None, "zero": 0, "seven": 7})
    return made


COUNTS: list[tuple[Any, ...]] = [
    (("get", "seven"), 1, 0),
    (("get", "absent"), 0, 1),
    (("get", "none"), 1, 0),
    (("get", "zero", 0), 1, 0),
    (("get", "absent", 7), 0, 1),
    (("get_many", ["seven", "none", "absent"]), 2, 1),
    (("get_many", ["seven", "seven"]), 1, 0),
    (("get_many", []), 0, 0),
    (("get_or_set", "seven", 1), 1, 0),
    (("get_or_set", "none", 1), 1, 0),
    (("get_or_set", "new", 1), 0, 1),
    (("get_or_set", "new", lambda: 1), 0, 1),
    (("has_key", "seven"), 0, 0),
    (("__contains__", "absent"), 0, 0),
    (("incr", "seven"), 0, 0),
    (("incr", "absent"), 0, 0),
    (("incr_version", "seven"), 0, 0),
    (("add", "seven", 1), 0, 0),
    (("set", "seven", 1), 0, 0),
    (("touch", "seven"), 0, 0),
    (("delete", "seven"), 0, 0),
]


@pytest.mark.parametrize(("call", "hits", "misses"), COUNTS)
def test_lookups_are_counted(cache, request_context, call, hits, misses):
    outcome(cache, *call)
    assert (request_context.cache_hits, request_context.cache_misses) == (hits, misses)


@pytest.mark.parametrize(
    ("call", "hits", "misses"), [row for row in COUNTS if row[0][0][0] != "_"]
)
def test_async_lookups_are_counted(cache, request_context, call, hits, misses):
    outcome(cache, f"a{call[0]}", *call[1:])
    assert (request_context.cache_hits, request_context.cache_misses) == (hits, misses)


def test_lookups_on_every_backend_are_counted_alike(twins, request_context):
    counted, _ = twins
    counted.set("here", 1)
    counted.get("here")
    counted.get("there")
    counted.get_many(["here", "there"])
    total = request_context.cache_hits + request_context.cache_misses
    kept = not type(counted).__name__.startswith("Dummy")
    assert (request_context.cache_hits, total) == (2 if kept else 0, 4)


def test_keys_that_can_be_read_once_are_read_once(cache, request_context):
    assert cache.get_many(key for key in ("seven", "absent")) == {"seven": 7}
    assert (request_context.cache_hits, request_context.cache_misses) == (1, 1)


def test_keyword_arguments_reach_the_cache(cache, request_context):
    assert cache.get(key="absent", default=3) == 3
    assert cache.get("seven", default=3, version=1) == 7
    assert cache.get_many(keys=["seven"]) == {"seven": 7}
    assert cache.get_or_set(key="seven", default=3) == 7
    assert (request_context.cache_hits, request_context.cache_misses) == (3, 1)


def test_a_default_that_looks_something_up_is_counted_too(cache, request_context):
    cache.get_or_set("new", lambda: cache.get("seven"))
    assert (request_context.cache_hits, request_context.cache_misses) == (1, 1)


def test_a_default_that_raises_was_a_miss(cache, request_context):
    def fail():
        raise LookupError("no such trainer")

    with pytest.raises(LookupError, match="no such trainer"):
        cache.get_or_set("new", fail)
    assert (request_context.cache_hits, request_context.cache_misses) == (0, 1)


class Layered(LocMemCache):
    """A project's own: it keeps in memory whatever the layer below gives."""

    def get(self, key, default=None, version=None):
        value = super().get(key, None, version)
        if value is None:
            value = {"far": 5}.get(key, default)
            if value is not None:
                self.set(key, value, version=version)
        return value


def test_a_backend_that_keeps_what_it_is_given_is_given_nothing_of_ours(
    request_context, tmp_path
):
    place = {"BACKEND": f"{__name__}.Layered", "LOCATION": str(tmp_path)}
    layered = CacheHandler({"default": place})["default"]
    assert isinstance(layered, CountedCache)
    for _ in range(2):
        assert layered.get("near") is None
        assert asyncio.run(layered.aget("near")) is None
        assert layered.get("far") == 5
    assert (request_context.cache_hits, request_context.cache_misses) == (2, 4)
    assert layered.get("near", 7) == 7
    assert request_context.cache_misses == 5


class Literal(LocMemCache):
    """A project's own that keeps what it is given: it calls no default."""

    def get_or_set(self, key, default, timeout=None, version=None):
        value = self.get(key, version=version)
        if value is None:
            self.set(key, default, timeout, version)
            return default
        return value

    async def aget_or_set(self, key, default, timeout=None, version=None):
        return self.get_or_set(key, default, timeout, version)

    def get_many(self, keys, version=None):
        assert type(keys) in (list, Once)
        return super().get_many(keys, version=version)


@pytest.fixture
def literal(request_context, tmp_path):
    place = {"BACKEND": f"{__name__}.Literal", "LOCATION": str(tmp_path)}
    return CacheHandler({"default": place})["default"]


def test_a_backend_of_the_projects_own_gets_the_default_that_it_was_given(
    literal, request_context
):
    assert literal.get_or_set("seven", 7) == 7
    assert literal.get_or_set("maker", dict) is dict
    assert asyncio.run(literal.aget_or_set("amaker", default=list)) is list
    assert (request_context.cache_hits, request_context.cache_misses) == (0, 3)
    assert (literal.get("seven"), literal.get("maker")) == (7, dict)
    assert asyncio.run(literal.aget_or_set("seven", 8)) == 7
    assert (request_context.cache_hits, request_context.cache_misses) == (3, 3)


class Once:
    """Keys that can be read once, of the project's own type."""

    def __init__(self, keys):
        self.keys = iter(keys)

    def __iter__(self):
        return self.keys


def test_a_backend_of_the_projects_own_gets_the_keys_that_it_was_given(
    literal, request_context
):
    literal.set("seven", 7)
    assert literal.get_many(Once(["seven", "absent"])) == {"seven": 7}
    assert (request_context.cache_hits, request_context.cache_misses) == (0, 0)
    assert literal.get_many(keys=["seven", "absent"]) == {"seven": 7}
    assert (request_context.cache_hits, request_context.cache_misses) == (1, 1)


def test_what_spotter_looks_up_itself_is_not_counted(cache, request_context):
    with ignore():
        assert cache.get("seven") == 7
    assert request_context.cache_hits == 0


def test_a_cache_is_of_its_own_class_still(cache: Any):
    bare: Any = type(cache).__mro__[2]
    assert isinstance(cache, bare)
    assert type(cache).__qualname__ == "LocMemCache"
    assert inspect.signature(cache.get) == inspect.signature(BaseCache.get).replace(
        parameters=list(inspect.signature(BaseCache.get).parameters.values())[1:]
    )


def test_installing_twice_counts_once(request_context):
    recorder.install()
    caches["default"].get("absent")
    assert request_context.cache_misses == 1


def test_a_cache_that_cannot_be_counted_works_on_and_is_told_of(caplog):
    class Sealed(BaseCache):
        def __setattr__(self, name, value):
            if name == "__class__":
                raise TypeError("sealed")
            super().__setattr__(name, value)

    sealed = Sealed({})
    recorder.watch_cache(sealed, "sealed")
    assert type(sealed) is Sealed
    assert "could not count the lookups of a cache" in caplog.text


def test_one_class_is_made_for_a_backend(cache):
    bare: Any = type(cache).__mro__[2]
    assert counted_class(bare) is type(cache)


keys = st.sampled_from(["a", "b", "c"])
values: st.SearchStrategy[Any] = st.sampled_from([None, 0, "", 7, [], {"x": 1}])


# Neither a slow example nor slow drawing says anything but that the machine is busy.
@settings(
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
    deadline=None,
    max_examples=60,
)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("set"), keys, values),
            st.tuples(st.just("add"), keys, values),
            st.tuples(st.just("get"), keys, values),
            st.tuples(st.just("get_or_set"), keys, values),
            st.tuples(st.just("get_many"), st.lists(keys)),
            st.tuples(st.just("incr"), keys),
            st.tuples(st.just("delete"), keys),
        )
    )
)
def test_any_sequence_of_calls_gives_what_it_gives_uncounted(cache, calls):
    bare: Any = type(cache).__mro__[2]("twin", {})
    for twin in (cache, bare):
        twin.clear()
    for call in calls:
        assert outcome(cache, *call) == outcome(bare, *call)
