"""The settings of the tests' project with a Redis cache and a store that a test names."""

from __future__ import annotations

import os

from tests.project.settings import *  # noqa: F403

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("REDIS_URL", ""),
    }
}
SPOTTER = {"STORE": os.environ.get("SPOTTER_STORE", "memory://"), "FLUSH_SECONDS": 0.2}
