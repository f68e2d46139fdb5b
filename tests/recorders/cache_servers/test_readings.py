"""Who asks which caches' servers: one process of a host, on a thread of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.cache.backends.redis import RedisCache

from spotter.recorders.cache_servers import memcached, readings, redis
from tests.kept import recorded
from tests.recorders.cache_servers.conftest import wait_for

LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


class OwnRedis(RedisCache):
    """A project's own, made of Django's."""


@pytest.mark.parametrize(
    ("backend", "ask"),
    [
        ("django.core.cache.backends.redis.RedisCache", redis.ask_django),
        ("tests.recorders.cache_servers.test_readings.OwnRedis", redis.ask_django),
        ("django.core.cache.backends.memcached.PyMemcacheCache", memcached.ask_django),
        ("django.core.cache.backends.memcached.PyLibMCCache", memcached.ask_django),
        (LOCAL["BACKEND"], None),
        ("no.such.Cache", None),
    ],
)
def test_caches_with_servers_are_known_by_their_class(settings, backend, ask):
    settings.CACHES = {"default": LOCAL, "other": {"BACKEND": backend}}
    assert readings.ask_for("other") is ask


@pytest.fixture
def two_caches(settings, redis, kept, alone):
    settings.CACHES = {
        "default": LOCAL,
        "shared": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": redis.url(),
        },
    }


def test_every_cache_with_a_server_is_read_on_a_thread(two_caches):
    readings.read()
    (watch,) = readings._watches.values()
    wait_for(watch)
    assert list(recorded("spotter.cache.memory.usage", "cache.alias")) == ["shared"]
    readings.post().leave()


HOLD = """
import sys, django
from django.conf import settings
settings.configure(SECRET_KEY="a key for tests", CACHES={CACHES!r})
from spotter.recorders.cache_servers import readings
print(readings.post().is_mine(), flush=True)
sys.stdin.readline()
"""


def test_one_process_of_a_host_asks(two_caches, settings):
    script = HOLD.replace("{CACHES!r}", repr(settings.CACHES))
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline().strip() == "True"
        readings.read()
        assert readings._watches == {}
        holder.communicate("\n")
    readings.read()
    assert list(readings._watches) == ["shared"]
    wait_for(readings._watches["shared"])
    readings.post().leave()


def test_projects_on_one_host_have_posts_of_their_own(two_caches, settings):
    first = readings.post()
    settings.CACHES = {"default": {**LOCAL, "LOCATION": "another"}}
    assert readings.post().path != first.path


def test_a_place_is_not_in_the_name_of_the_lock(two_caches, settings):
    settings.CACHES = {"default": {**LOCAL, "LOCATION": "redis://:canary@cache/0"}}
    assert "canary" not in str(readings.post().path)


def test_a_project_without_servers_takes_no_post(settings, alone):
    settings.CACHES = {"default": LOCAL}
    readings.read()
    assert readings._posts == {}


def test_a_cache_that_cannot_be_made_is_not_told_of_every_ten_seconds(
    settings, kept, alone, caplog
):
    # pylibmc is not installed.
    backend = "django.core.cache.backends.memcached.PyLibMCCache"
    settings.CACHES = {"default": LOCAL, "gone": {"BACKEND": backend}}
    for _ in range(2):
        readings.read()
        wait_for(readings._watches["gone"])
    (record,) = caplog.records
    assert record.message == "spotter could not ask a cache's servers"
    readings.post().leave()
