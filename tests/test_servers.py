"""The servers that other tests rely on do what those tests think they do."""

from __future__ import annotations

import psycopg
import pytest
import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry


def test_a_postgres_database_can_be_created_and_asked(postgres):
    with psycopg.connect(postgres.create_database("asked")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_redis_server_keeps_what_it_is_given(redis):
    client = redis_client.Redis.from_url(redis.url())
    client.set("a", "1")
    assert client.get("a") == b"1"
    client.close()


@pytest.mark.parametrize("fault", ["hang", "reset", "down"])
def test_a_fault_proxy_misbehaves_and_recovers(redis, proxy_to, fault):
    proxy = proxy_to(redis.port)
    client = redis_client.Redis(
        port=proxy.port,
        socket_timeout=0.3,
        socket_connect_timeout=0.3,
        retry=Retry(NoBackoff(), 0),
    )
    assert client.ping()
    proxy.misbehave(fault)
    with pytest.raises(redis_client.RedisError):
        client.ping()
    proxy.misbehave(None)
    assert client.ping()
    client.close()
