"""Ask Redis, by INFO, through the client that the cache itself would use."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from spotter.recorders.cache_servers.status import ServerError, Status

#: The longest that one answer is waited for; nothing of the host's waits for it.
TIMEOUT_SECONDS = 1.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def ask_django(cache: Any) -> list[Status]:
    """Every server of a cache of Django's own kind."""
    client = cache._cache
    options = {**client._pool_options, **short()}
    return [ask(client._pool_class.from_url(url, **options)) for url in client._servers]


def ask_django_redis(cache: Any) -> list[Status]:
    """Every server of a cache of django-redis."""
    client = cache.client
    # A copy: the factory's own options, which the pool's come after, stay the host's.
    factory = copy.copy(client.connection_factory)
    factory.pool_cls_kwargs = {**factory.pool_cls_kwargs, **short()}
    return [
        ask(factory.get_connection_pool(factory.make_connection_params(url)))
        for url in client._server
    ]


def short() -> dict[str, Any]:
    """Options of a connection that neither waits long nor tries again."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }


def ask(pool: Any) -> Status:
    """Ask one server, over a connection that lasts as long as the question."""
    from redis import Redis

    if "path" in pool.connection_kwargs:
        # Older clients refuse it for a socket in the file system.
        pool.connection_kwargs.pop("socket_connect_timeout", None)
    with told_as_server_error(), contextlib.closing(Redis.from_pool(pool)) as client:
        return status_of(client.info(), pool.connection_kwargs)


@contextlib.contextmanager
def told_as_server_error() -> Iterator[None]:
    """Whatever keeps Redis from telling, without the address that its errors name."""
    from redis import RedisError
    from redis.exceptions import NoPermissionError

    try:
        yield
    except NoPermissionError as error:
        raise ServerError("its user may not run INFO: ACL SETUSER … +info") from error
    except (RedisError, OSError) as error:
        raise ServerError(type(error).__name__) from error


def status_of(info: dict[str, Any], place: dict[str, Any]) -> Status:
    """What INFO says, of the database that the cache uses."""
    host, path = place.get("host", "localhost"), place.get("path", "")
    found = info.get(f"db{place.get('db') or 0}")
    entries = int(found["keys"]) if isinstance(found, dict) else 0
    return Status(
        address=path or f"{host}:{place.get('port', 6379)}/{place.get('db') or 0}",
        system="redis",
        policy=str(info.get("maxmemory_policy", "")),
        is_local=bool(path) or host in LOOPBACK,
        life=str(info.get("run_id", "")),
        uptime=int(info.get("uptime_in_seconds", 0)),
        totals={
            "spotter.cache.server.hits": int(info.get("keyspace_hits", 0)),
            "spotter.cache.server.misses": int(info.get("keyspace_misses", 0)),
            "spotter.cache.evictions": int(info.get("evicted_keys", 0)),
        },
        entries=entries,
        memory=int(info.get("used_memory", 0)),
        limit=int(info.get("maxmemory", 0)) or None,  # 0 is what it calls no limit
        is_replica=info.get("role") == "slave",
    )
