"""Redis tells its size, memory, evictions and policy, whatever becomes of it."""

from __future__ import annotations

from types import SimpleNamespace

import redis as redis_client
from django.core.cache import cache, caches

from spotter.recorders.cache_servers import redis as asker
from tests.kept import recorded
from tests.recorders.cache_servers.conftest import wait_for
from tests.servers.redis import running_redis

KIND = "redis.RedisCache"
HITS, MISSES = "spotter.cache.server.hits", "spotter.cache.server.misses"
EVICTIONS, UP = "spotter.cache.evictions", "spotter.cache.server.up"


class Factory:
    """What makes connections in django-redis 7, for one that is not installed."""

    def __init__(self):
        self.pool_cls_kwargs = {"socket_timeout": 600, "max_connections": 3}

    def make_connection_params(self, url):
        return {"url": url, "password": "secret"}

    def get_connection_pool(self, params):
        return redis_client.ConnectionPool.from_url(**params | self.pool_cls_kwargs)


def last(name):
    return recorded(name)[()].last


def total(name):
    return recorded(name, "cache.alias")["default"].sum


def command(server, *words):
    with redis_client.Redis(port=server.port) as client:
        return client.execute_command(*words)


def test_size_memory_and_lookups_are_read(redis, place):
    watch = place(KIND, redis.url())
    watch.look()
    cache.set_many({"a": 1, "b": 2, "c": 3})
    cache.get("a")
    cache.get("nobody")
    watch.look()
    assert last("spotter.cache.entries") == 3
    assert last("spotter.cache.memory.usage") > 100_000
    assert (total(HITS), total(MISSES), total(EVICTIONS)) == (1, 1, 0)
    assert last(UP) == 1


def test_counters_are_there_from_the_first_look_and_count_nothing_of_before(
    redis, place
):
    watch = place(KIND, redis.url())
    cache.get("nobody")
    watch.look()
    assert (total(HITS), total(MISSES), total(EVICTIONS)) == (0, 0, 0)


def test_entries_are_those_of_the_caches_own_database(redis, place):
    watch = place(KIND, f"redis://127.0.0.1:{redis.port}/3")
    command(redis, "SET", "of-another", "1")
    cache.set("mine", 1)
    watch.look()
    assert last("spotter.cache.entries") == 1


def test_without_a_limit_none_is_told(redis, place):
    place(KIND, redis.url()).look()
    assert recorded("spotter.cache.memory.limit") == {}


def test_a_real_eviction_is_counted_with_limit_and_policy(redis, place):
    command(redis, "CONFIG", "SET", "maxmemory", "3mb")
    command(redis, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    watch = place(KIND, redis.url())
    watch.look()
    for number in range(60):
        cache.set(f"large-{number}", "x" * 100_000)
    watch.look()
    # How many there were, the server knows best.
    assert total(EVICTIONS) == info(redis)["evicted_keys"] > 0
    assert last("spotter.cache.memory.limit") == 3 * 1024**2
    kinds = recorded("spotter.cache.server.policy", "cache.policy", "cache.scope")
    assert list(kinds) == [("allkeys-lru", "host")]


def info(server):
    with redis_client.Redis(port=server.port) as client:
        return client.info()


def test_a_server_that_started_anew_counts_from_0(place, free_tcp_port):
    watch = place(KIND, f"redis://127.0.0.1:{free_tcp_port}/0")
    for _ in range(2):
        with running_redis(free_tcp_port):
            watch.look()
            for _ in range(5):
                cache.get("nobody")
            watch.look()
            caches.close_all()
            del caches["default"]
    assert total(MISSES) == 10


def test_the_servers_of_one_cache_add_up(redis, place):
    with running_redis() as other:
        watch = place(KIND, [redis.url(), other.url()])
        command(redis, "SET", "a", "1")
        command(other, "SET", "b", "1")
        watch.look()
        command(other, "GET", "nobody")
        watch.look()
        assert last("spotter.cache.entries") == 2
        assert total(MISSES) == 1


def test_a_replicas_entries_are_not_told_twice(redis, place):
    with running_redis() as replica:
        command(replica, "REPLICAOF", "127.0.0.1", str(redis.port))
        command(redis, "SET", "a", "1")
        place(KIND, [redis.url(), replica.url()]).look()
        assert last("spotter.cache.entries") == 1


def test_a_server_that_was_killed_is_told_once_and_is_left_alone(
    place, caplog, proxy_to, redis
):
    proxy = proxy_to(redis.port)
    watch = place(KIND, f"redis://127.0.0.1:{proxy.port}/0")
    proxy.misbehave("down")
    for _ in range(3):
        watch.look()
    assert last(UP) == 0
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "'default' does not tell its size and evictions: ConnectionError" in (
        caplog.text
    )
    assert "127.0.0.1" not in caplog.text
    proxy.misbehave(None)
    watch.start()
    assert watch._thread is None, "it is asked again too soon"
    watch._not_before = 0
    watch.start()
    wait_for(watch)
    assert last(UP) == 1


def test_a_server_that_hangs_is_not_waited_for(place, proxy_to, redis):
    proxy = proxy_to(redis.port)
    watch = place(KIND, f"redis://127.0.0.1:{proxy.port}/0", socket_timeout=600)
    proxy.misbehave("hang")
    watch.start()
    first = watch._thread
    watch.start()
    assert watch._thread is first, "a second thread waits beside the first"
    wait_for(watch)
    assert last(UP) == 0


def test_a_user_who_may_not_ask_is_told_what_to_grant(redis, place, caplog):
    command(redis, *["ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all", "-info"])
    place(KIND, f"redis://app:pw@127.0.0.1:{redis.port}/0").look()
    assert "may not run INFO: ACL SETUSER … +info" in caplog.text
    assert "pw" not in caplog.text


def test_the_hosts_own_options_are_kept(redis, place):
    command(redis, "CONFIG", "SET", "requirepass", "secret")
    watch = place(KIND, redis.url(), password="secret")
    watch.look()
    assert last(UP) == 1


def test_django_redis_is_asked_with_its_own_options_and_our_time_outs(redis):
    command(redis, "CONFIG", "SET", "requirepass", "secret")
    factory = Factory()
    client = SimpleNamespace(connection_factory=factory, _server=[redis.url()])
    (status,) = asker.ask_django_redis(SimpleNamespace(client=client))
    assert (status.system, status.entries) == ("redis", 0)
    assert factory.pool_cls_kwargs["socket_timeout"] == 600
