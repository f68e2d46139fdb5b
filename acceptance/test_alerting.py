"""Alerting of the real TrainerHub: its servers are really stopped, people really told."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
import uuid

import httpx
import psycopg
import pytest

from spotter.alerts.book import Book
from spotter.alerts.evidence import kept
from spotter.alerts.records import PENDING, RESOLVED
from spotter.stores.sqlite import SqliteStore
from tests.channels.receiver import receiving
from tests.servers.postgres import running_postgres, started_again
from tests.servers.processes import wait_until
from tests.servers.proxy import FaultProxy
from tests.servers.redis import running_redis
from tests.servers.trainerhub import environment, manage, running_trainerhub
from tests.servers.web import CHECKOUT, child_environment

pytestmark = [pytest.mark.acceptance, pytest.mark.long]


@contextlib.contextmanager
def watching(env):
    """A watcher while the block runs; the one that follows it, when it is killed."""

    class Watch:
        process = watcher(env)

        def kill_and_follow(self):
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = watcher(env)

    watch = Watch()
    try:
        yield watch
    finally:
        watch.process.terminate()
        watch.process.wait(20)


def watcher(env):
    return subprocess.Popen(
        [sys.executable, "manage.py", "spotter", "watch"],
        cwd=CHECKOUT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def log_in(home, url):
    """A trainer's token, which whoever has it is asked for in database and cache."""
    person = json.loads((home / "var" / "demo-logins.json").read_text())["trainer"]
    answer = httpx.post(
        f"{url}/api/users/login/", json=person, trust_env=False, timeout=60
    )
    return f"Token {answer.json()['token']}"


@contextlib.contextmanager
def traffic(url, token):
    """Somebody who is logged in asks for bookings all the time."""
    over = threading.Event()

    def ask() -> None:
        headers = {"Authorization": token}
        with httpx.Client(trust_env=False, timeout=5, headers=headers) as client:
            while not over.wait(0.1):
                with contextlib.suppress(httpx.HTTPError):
                    client.get(f"{url}/api/bookings/")

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


DATABASE, CACHE = "The database can't be used", "The cache can't be used"


def told(receiver, text) -> int:
    """How many messages say so."""
    return sum(text in body["text"] for body in receiver.bodies)


@pytest.mark.timeout(400)
def test_a_database_and_a_cache_that_stop_are_one_incident_each(tmp_path):
    """And a watcher that is killed in the middle is followed by one that goes on."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running_postgres())
        url, place = server.create_database("trainerhub"), where(server)
        redis = contextlib.ExitStack()
        cache = redis.enter_context(running_redis())
        slack = stack.enter_context(receiving())
        extra = {
            "DATABASE_URL": url, "REDIS_URL": cache.url(),
            "SLACK_WEBHOOK_URL": slack.url, "EMAIL_HOST": "127.0.0.1",
        }  # fmt: skip
        web = stack.enter_context(running_trainerhub(tmp_path, extra))
        manage(tmp_path, "seed_demo", env=extra)
        stack.enter_context(traffic(web.url, log_in(tmp_path, web.url)))
        env = child_environment(environment(tmp_path, {**extra, "PORT": str(web.port)}))
        watch = stack.enter_context(watching(env))
        time.sleep(10)
        assert slack.bodies == []
        stopped = {DATABASE: time.time()}
        server.stop()
        wait_until(lambda: told(slack, "FIRING] " + DATABASE) == 1, 45, "it told")
        # One that dies before it is written down is sent again, as it must be.
        wait_until(lambda: is_written(tmp_path), 20, "the message marked")
        watch.kill_and_follow()
        time.sleep(20)
        stack.enter_context(started_again(*place))
        # What was sent in the moment of the kill is sent once more a minute later.
        wait_until(lambda: told(slack, "RESOLVED] " + DATABASE) == 1, 120, "its end")
        stopped[CACHE] = time.time()
        redis.close()
        wait_until(lambda: told(slack, "FIRING] " + CACHE) == 1, 45, "the cache")
        stack.enter_context(running_redis(cache.port))
        wait_until(lambda: told(slack, "RESOLVED] " + CACHE) == 1, 60, "its end")
        assert told(slack, "FIRING] " + DATABASE) in (1, 2)
        assert len(slack.bodies) == 3 + told(slack, "FIRING] " + DATABASE)
        check_incidents(tmp_path, stopped)


def where(server):
    """Its data and port, to start it again on."""
    with psycopg.connect(server.url()) as connection:
        found = connection.execute("SHOW data_directory").fetchone()
    assert found is not None
    return found[0], str(server.port)


def check_incidents(home, stopped):
    """One for each, begun soon after, over, and with evidence of the fault."""
    store = SqliteStore(home / "var" / "spotter" / "spotter.db")
    with Book(store).reading() as page:
        found = [(each, kept(page, each.id)) for each in page.incidents()]
    store.close()
    titles = sorted(each.title.partition(":")[0] for each, _ in found)
    assert titles == [CACHE, DATABASE]
    for incident, pieces in found:
        text = incident.title.partition(":")[0]
        assert incident.state == RESOLVED
        # The rule's ten seconds, a probe's ten, and those of a busy machine.
        assert incident.opened_at - stopped[text] < 40
        said = " ".join(f"{piece.name} {piece.text}" for piece in pieces)
        check = "database" if text == DATABASE else "cache"
        assert f"Health checks {check} fail" in said
        if text == DATABASE:
            assert "/api/bookings/" in said


@pytest.mark.timeout(200)
def test_a_watcher_that_starts_when_all_is_down_tells_of_it(postgres, tmp_path):
    """Database, cache, task queue and web server are down before it begins."""
    name = f"trainerhub_{uuid.uuid4().hex[:8]}"
    postgres.create_database(name)
    database, cache = FaultProxy(postgres.port), FaultProxy(1)
    for each in (database, cache):
        each.misbehave("down")
    (tmp_path / "var").mkdir()
    with receiving() as slack:
        extra = {
            "DATABASE_URL": postgres.url(name, database.port),
            "REDIS_URL": f"redis://127.0.0.1:{cache.port}/0",
            "SLACK_WEBHOOK_URL": slack.url,
            "EMAIL_HOST": "127.0.0.1",
            "PORT": "1",
        }
        env = child_environment(environment(tmp_path, extra))
        process = watcher(env)
        try:

            def are_told() -> bool:
                text = str(slack.bodies)
                return DATABASE in text and CACHE in text

            wait_until(are_told, 90, "both told")
            status = subprocess.run(
                [sys.executable, "manage.py", "spotter", "status", "--json"],
                cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert status.returncode == 0, status.stderr
            firing = {each["rule"] for each in json.loads(status.stdout)["firing"]}
            assert {"DatabaseDown", "CacheDown"} <= firing
        finally:
            process.terminate()
            assert process.wait(25) == 0
            database.stop()
            cache.stop()
