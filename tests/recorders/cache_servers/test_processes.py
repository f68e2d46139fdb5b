"""Among the workers of a real web server one asks, and another when it is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import httpx
import psutil
import pytest
import redis as redis_client

from tests.kept import kept_store, recorded
from tests.servers.processes import wait_until
from tests.servers.web import serving

MISSES = "spotter.cache.server.misses"
WORKERS = 3


@pytest.fixture
def web(redis, tmp_path, settings):
    """Three workers that have each answered something."""
    locks = tmp_path / "locks"
    locks.mkdir()
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.project.with_redis",
        "REDIS_URL": redis.url(),
        "SPOTTER_STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
        "TMPDIR": str(locks),
    }
    with serving(
        "tests.project", tmp_path, env=env, workers=WORKERS, threads=1
    ) as server:
        stored = kept_store(settings, tmp_path)
        next(stored)
        yield server, locks
        next(stored, None)


def workers(server):
    return psutil.Process(server.pid).children()


def ask(server):
    # 404, or nothing at all while the workers start on a busy machine.
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(f"{server.url}/nothing-here/", timeout=10)


def measuring(server):
    """The processes that have told of themselves."""
    time.sleep(0.3)
    ask(server)
    return {int(pid) for pid in recorded("process.memory.usage", "process.pid")}


def total(name):
    return sum(point.sum for point in recorded(name).values())


def holder(server, lock):
    """The worker that has the lock's file open; the rest close it at once."""
    (found,) = [
        worker.pid
        for worker in workers(server)
        if any(file.path == str(lock) for file in worker.open_files())
    ]
    return found


def looks():
    """How often the servers were looked at; not so often itself, on a busy machine."""
    time.sleep(0.3)
    return recorded(MISSES)[()].count if recorded(MISSES) else 0


def miss(redis, times):
    with redis_client.Redis(port=redis.port) as client:
        for _ in range(times):
            client.get("nobody")


@pytest.mark.timeout(400)
def test_evictions_and_misses_are_counted_once_however_many_workers(web, redis):
    server, locks = web
    # Not of those alone that are started yet.
    wait_until(
        lambda: len({w.pid for w in workers(server)} & measuring(server)) == WORKERS,
        60,
        "every worker",
    )
    wait_until(lambda: looks() > 0, 60, "the first look")
    miss(redis, 50)
    wait_until(lambda: looks() > 0 and total(MISSES) >= 50, 60, "the next look")
    assert total(MISSES) == 50

    (lock,) = locks.glob("spotter-caches-*")
    os.kill(holder(server, lock), signal.SIGKILL)
    before = looks()
    wait_until(lambda: looks() > before, 120, "the first look of a successor")
    miss(redis, 7)
    wait_until(lambda: looks() > 0 and total(MISSES) >= 57, 60, "its next look")
    assert total(MISSES) == 57
