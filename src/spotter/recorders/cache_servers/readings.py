"""The servers' readings: one process of a host asks each cache's servers, off the request."""

from __future__ import annotations

import hashlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings as django_settings
from django.core.cache import caches
from django.utils.encoding import force_bytes
from django.utils.module_loading import import_string

from spotter import recording
from spotter.recorders.cache_servers import memcached, redis
from spotter.recorders.cache_servers.status import (
    ServerError,
    Status,
    grown,
    holders,
    scope_of,
    together,
)
from spotter.recorders.host.election import Post
from spotter.rescue import ignore, rescue

logger = logging.getLogger("spotter.caches")

Ask = Callable[[Any], list[Status]]
#: How to ask the servers of a cache, by the class that its backend is or comes from.
ASKS: dict[str, Ask] = {
    "django.core.cache.backends.redis.RedisCache": redis.ask_django,
    "django.core.cache.backends.memcached.BaseMemcachedCache": memcached.ask_django,
    "django_redis.cache.RedisCache": redis.ask_django_redis,
}
#: Caches that are asked about.
MAX_CACHES = 20
#: A server that did not answer is left alone for so long …
LEAVE_ALONE_SECONDS = 30.0
#: … and spoken of so rarely: whether the cache works is for the health check to tell.
COMPLAIN_SECONDS = 3600.0


class Watch:
    """
    One cache's servers: what they said last, and when to ask them again.

    Each has a thread of its own for as long as a question lasts, and never a second
    one: a name that cannot be resolved has no time-out.
    """

    def __init__(self, alias: str, ask: Ask) -> None:
        self.alias = alias
        self.ask = ask
        self._before: dict[str, Status] = {}
        self._thread: threading.Thread | None = None
        self._not_before = self._quiet_until = float("-inf")

    def start(self) -> None:
        """Ask on a thread, unless the last question is still open or in vain."""
        is_busy = self._thread is not None and self._thread.is_alive()
        if is_busy or time.monotonic() < self._not_before:
            return
        self._thread = threading.Thread(
            target=self._run, name=f"spotter-cache-{self.alias}", daemon=True
        )
        self._thread.start()

    def _run(self) -> None:
        # What is no answer but a mistake is logged with its stack: not every ten seconds.
        self._not_before = time.monotonic() + COMPLAIN_SECONDS
        with ignore(), rescue("ask a cache's servers"):
            self.look()

    def look(self) -> None:
        """Ask now, and record what they say, or that they do not."""
        labels = {"cache.alias": self.alias, "host.name": socket.gethostname()}
        try:
            servers = self.ask(caches[self.alias])
        except ServerError as error:
            recording.gauge("spotter.cache.server.up", 0, labels)
            self._leave_alone(error)
            return
        recording.gauge("spotter.cache.server.up", 1, labels)
        self._record(servers, labels)
        self._not_before = self._quiet_until = float("-inf")

    def _leave_alone(self, error: ServerError) -> None:
        now = time.monotonic()
        self._not_before = now + LEAVE_ALONE_SECONDS
        if now < self._quiet_until:
            return
        self._quiet_until = now + COMPLAIN_SECONDS
        logger.warning(
            "a server of the cache %r does not tell its size and evictions: %s. "
            "Nothing else depends on it; it is asked again",
            self.alias,
            error,
        )

    def _record(self, servers: list[Status], labels: dict[str, str]) -> None:
        holding = holders(servers)
        for name, value in (
            ("spotter.cache.entries", together([each.entries for each in holding])),
            ("spotter.cache.memory.usage", together([each.memory for each in holding])),
            ("spotter.cache.memory.limit", together([each.limit for each in holding])),
        ):
            if value is not None:
                recording.gauge(name, value, labels)
        for server in servers:
            for name, amount in grown(self._before.get(server.address), server).items():
                recording.count(name, labels, amount)
        self._before = {server.address: server for server in servers}
        kind = {
            "cache.system": servers[0].system,
            "cache.policy": ",".join(sorted({server.policy for server in servers})),
            "cache.scope": scope_of(servers),
        }
        recording.gauge("spotter.cache.server.policy", 1, {**labels, **kind})


_posts: dict[str, Post] = {}
_watches: dict[str, Watch] = {}


def read() -> None:
    """Ask about every cache whose servers can be asked, if this process does that."""
    asked = {alias: ask for alias in caches.settings if (ask := ask_for(alias))}
    if not asked or not post().is_mine():
        return
    for alias, ask in list(asked.items())[:MAX_CACHES]:
        known = _watches.get(alias)
        if known is None or known.ask is not ask:
            known = _watches[alias] = Watch(alias, ask)
        known.start()


def ask_for(alias: str) -> Ask | None:
    """How to ask a cache's servers; None for a kind that has none, or none we know."""
    try:
        kind = import_string(caches.settings[alias]["BACKEND"])
    except ImportError:
        return None  # Who uses the cache is told better.
    names = (f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__)
    return next((ASKS[name] for name in names if name in ASKS), None)


def post() -> Post:
    """The post of this host's processes that have the same caches: one project's."""
    places = {
        alias: [str(each.get("BACKEND")), str(each.get("LOCATION", ""))]
        for alias, each in caches.settings.items()
    }
    # Keyed, since a location may hold a password and a file's name is anybody's.
    name = hashlib.blake2b(
        json.dumps(places, sort_keys=True).encode(),
        key=force_bytes(django_settings.SECRET_KEY)[:64],
        digest_size=8,
    ).hexdigest()
    if name not in _posts:
        _posts[name] = Post(f"caches-{name}")
    return _posts[name]


def install() -> None:
    """Ask as long as any process of the host measures something."""
    recording.sampler(read)
