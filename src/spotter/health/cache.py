"""Does the cache give back what it was given?"""

from __future__ import annotations

import uuid
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache

from spotter.health.check import HealthCheck, Report, Status, Unhealthy
from spotter.health.database import name_of


class CacheCheck(HealthCheck):
    """
    Write, read back, compare, delete.

    Not critical: a cache may be lost, and all processes share it, so that a critical
    check would take every one of them out of rotation at once. Where the service
    cannot work without it, say `CacheCheck(critical=True)`.
    """

    failure = "Not connected"
    kind = "datastore"

    def __init__(self, alias: str = "default", **options: Any) -> None:
        super().__init__(**options)
        self.alias = alias
        self.name = options.get("name") or name_of("cache", alias)

    def run(self) -> str | Report:
        cache = self.cache()
        if isinstance(cache, DummyCache):
            return Report(Status.NOT_CONFIGURED, "Dummy cache keeps nothing")
        # A key of this run's own: two processes must not read each other's value.
        written = uuid.uuid4().hex
        key = f"spotter-health-{written}"
        cache.set(key, written, timeout=60)
        read = cache.get(key)
        cache.delete(key)
        if read != written:
            raise Unhealthy("Reads back something else than was written")
        return "Connected"

    def cache(self) -> BaseCache:
        """What is asked; a drill asks where nobody listens."""
        found: BaseCache = caches[self.alias]
        return found


def every_cache() -> list[HealthCheck]:
    """One check for each alias in CACHES."""
    return [CacheCheck(alias) for alias in caches]
