"""Alerting of the real TrainerHub: its servers are really stopped, people really told."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
import uuid

import httpx
import pytest

from spotter.alerts.book import PENDING, Book
from spotter.stores.sqlite import SqliteStore
from tests.channels.receiver import receiving
from tests.servers.processes import wait_until
from tests.servers.proxy import FaultProxy
from tests.servers.redis import running_redis
from tests.servers.trainerhub import environment, running_trainerhub
from tests.servers.web import CHECKOUT, child_environment

pytestmark = pytest.mark.acceptance


def watcher(env):
    return subprocess.Popen(
        [sys.executable, "manage.py", "spotter", "watch"],
        cwd=CHECKOUT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@contextlib.contextmanager
def traffic(url):
    """Somebody asks for bookings all the time."""
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(trust_env=False, timeout=5) as client:
            while not over.wait(0.1):
                with contextlib.suppress(httpx.HTTPError):
                    client.get(f"{url}/api/trainers/")

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def is_written(home):
    """Whether the watcher has written down what became of every message."""
    store = SqliteStore(home / "var" / "spotter" / "spotter.db")
    with Book(store).reading() as page:
        found = [each.state for each in page.deliveries()]
    store.close()
    return PENDING not in found


@pytest.mark.timeout(280)
def test_a_database_and_a_cache_that_stop_are_one_incident_each(postgres, tmp_path):
    """And a watcher that is killed in the middle is followed by one that goes on."""
    name = f"trainerhub_{uuid.uuid4().hex[:8]}"
    postgres.create_database(name)
    database = FaultProxy(postgres.port)
    with receiving() as slack, running_redis() as redis:
        cache = FaultProxy(redis.port)
        extra = {
            "DATABASE_URL": postgres.url(name, database.port),
            "REDIS_URL": redis.url(cache.port),
            "SLACK_WEBHOOK_URL": slack.url,
            "EMAIL_HOST": "127.0.0.1",
        }
        with running_trainerhub(tmp_path, extra) as server, traffic(server.url):
            variables = environment(tmp_path, {**extra, "PORT": str(server.port)})
            env = child_environment(variables)
            process = watcher(env)
            try:
                time.sleep(10)
                assert slack.bodies == []
                database.misbehave("down")
                wait_until(lambda: len(slack.bodies) == 1, 45, "the database told")
                assert "FIRING] The database can't be used" in slack.bodies[0]["text"]
                # One that dies before it is written down is sent again, as it must be.
                wait_until(lambda: is_written(tmp_path), 20, "the message marked")
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = watcher(env)
                time.sleep(20)
                assert len(slack.bodies) == 1
                database.misbehave(None)
                wait_until(lambda: len(slack.bodies) == 2, 60, "its end told")
                assert "RESOLVED] The database can't be used" in slack.bodies[1]["text"]
                cache.misbehave("down")
                wait_until(lambda: len(slack.bodies) >= 3, 45, "the cache told")
                assert "The cache can't be used" in slack.bodies[2]["text"]
                cache.misbehave(None)
                wait_until(lambda: len(slack.bodies) >= 4, 60, "its end told")
                assert "RESOLVED] The cache can't be used" in slack.bodies[3]["text"]
                assert len(slack.bodies) == 4
            finally:
                process.terminate()
                process.wait(20)
        cache.stop()
    database.stop()
