"""The cache check against a real Redis, and against caches that forget."""

from __future__ import annotations

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings

from spotter.health import Report, Status, Unhealthy
from spotter.health.cache import CacheCheck, every_cache
from spotter.health.runner import Runner
from tests.servers.processes import wait_until


class ForgetfulCache(LocMemCache):
    """Takes everything and gives back something else."""

    def get(self, key, default=None, version=None):
        return "something else"


def configured(backend, **options):
    return override_settings(CACHES={"default": {"BACKEND": backend, **options}})


@pytest.fixture
def proxied(redis, proxy_to):
    proxy = proxy_to(redis.port)
    backend = "django.core.cache.backends.redis.RedisCache"
    with configured(backend, LOCATION=redis.url(proxy.port)):
        yield proxy, Runner([CacheCheck(ttl_seconds=0.01)])


def found(runner):
    [outcome] = runner.outcomes()
    return outcome.report.message


@pytest.mark.parametrize("fault", ["down", "reset"])
def test_a_redis_that_is_gone_is_told_and_its_return_is_seen(proxied, fault):
    proxy, runner = proxied
    # Not at once: the first use in a process also imports the client.
    wait_until(lambda: found(runner) == "Connected", 10, "connection")
    proxy.misbehave(fault)
    wait_until(lambda: found(runner) != "Connected", 5, "telling")
    proxy.misbehave(None)
    wait_until(lambda: found(runner) == "Connected", 10, "recovery")


def test_a_redis_that_hangs_is_told_within_the_budget(proxied):
    proxy, runner = proxied
    proxy.misbehave("hang")
    assert found(runner) == "No answer within 0.8 s"


def test_what_was_written_is_compared_with_what_is_read():
    forgetful = configured("tests.health.test_cache.ForgetfulCache")
    with forgetful, pytest.raises(Unhealthy):
        CacheCheck().run()


def test_a_dummy_cache_is_not_configured():
    with configured("django.core.cache.backends.dummy.DummyCache"):
        assert CacheCheck().run() == Report(
            Status.NOT_CONFIGURED, "Dummy cache keeps nothing"
        )


def test_a_cache_is_critical_only_when_said():
    assert (CacheCheck().critical, CacheCheck(critical=True).critical) == (False, True)


def test_every_alias_has_a_check():
    backend = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    with override_settings(CACHES={"default": backend, "sessions": backend}):
        assert [check.name for check in every_cache()] == ["cache", "cache:sessions"]
