"""Caches in a process's own memory: how many entries, and how often they make room."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.utils.module_loading import import_string

from spotter import recording
from spotter.rescue import is_ignoring, rescue

CULLS, EVICTIONS = "spotter.cache.culls", "spotter.cache.evictions"
#: Caches that are read.
MAX_CACHES = 20


def noticed_cull(kind: type[LocMemCache]) -> Callable[..., Any]:
    """Make the counted form of how a kind of cache makes room."""

    def _cull(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = len(self._cache)
        result = kind._cull(self, *args, **kwargs)  # type: ignore[attr-defined]
        if not is_ignoring():
            with rescue("count a cull"):
                count(self.spotter_alias, 1, before - len(self._cache))
        return result

    return _cull


def count(alias: str, culls: int, evicted: int) -> None:
    """Count what made room for others, which is what a server calls an eviction."""
    labels = {"cache.alias": alias, "host.name": socket.gethostname()}
    recording.count(CULLS, labels, culls)
    recording.count(EVICTIONS, labels, evicted)


def read() -> None:
    """The entries of this process's own, and its counters from 0 on."""
    local = [alias for alias in caches.settings if is_local(alias)]
    for alias in local[:MAX_CACHES]:
        cache: Any = caches[alias]
        labels = {"cache.alias": alias, "host.name": socket.gethostname()}
        of_process = {**labels, "process.pid": os.getpid()}
        recording.gauge("spotter.cache.entries", len(cache._cache), of_process)
        recording.gauge("spotter.cache.entries.limit", cache._max_entries, labels)
        # Known before the first cull, or the burst that it comes in would be no change.
        count(alias, 0, 0)


def is_local(alias: str) -> bool:
    """Whether a cache is in the process's memory."""
    try:
        kind = import_string(caches.settings[alias]["BACKEND"])
    except ImportError:
        return False  # Who uses the cache is told better.
    return isinstance(kind, type) and issubclass(kind, LocMemCache)


def install() -> None:
    """Read them as long as this process measures anything."""
    recording.sampler(read)
