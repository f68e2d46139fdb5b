"""Caches in a process's own memory tell their entries, and when they make room."""

from __future__ import annotations

import os

import pytest
from django.core.cache import caches

from spotter.recorders import cache_memory
from spotter.rescue import ignore
from tests.kept import recorded


@pytest.fixture
def cache(kept, settings, tmp_path):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": str(tmp_path),
            "OPTIONS": {"MAX_ENTRIES": 30},
        },
        "none": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
    }
    return caches["default"]


def fill(cache, number):
    for key in range(number):
        cache.set(f"key-{key}", key)


def test_entries_and_their_limit_are_read_in_each_process(cache):
    fill(cache, 7)
    cache_memory.read()
    by = ("cache.alias", "process.pid")
    entries = recorded("spotter.cache.entries", *by)
    assert {group: p.last for group, p in entries.items()} == {
        ("default", str(os.getpid())): 7
    }
    assert recorded("spotter.cache.entries.limit")[()].last == 30


@pytest.mark.parametrize(
    ("number", "culls", "evicted"), [(29, 0, 0), (30, 0, 0), (31, 1, 10), (41, 2, 20)]
)
def test_a_cull_is_counted_with_what_it_took(cache, number, culls, evicted):
    fill(cache, number)
    cache_memory.read()
    assert recorded("spotter.cache.culls", "cache.alias")["default"].sum == culls
    assert recorded("spotter.cache.evictions", "cache.alias")["default"].sum == evicted
    assert len(cache._cache) == number - evicted


def test_a_cull_of_spotters_own_is_not_counted(cache):
    with ignore():
        fill(cache, 31)
    assert recorded("spotter.cache.culls") == {}


def test_a_cull_that_cannot_be_counted_is_a_cull_all_the_same(
    cache, monkeypatch, caplog
):
    monkeypatch.setattr(cache_memory, "count", None)
    fill(cache, 31)
    assert len(cache._cache) == 21
    assert "could not count a cull" in caplog.text
