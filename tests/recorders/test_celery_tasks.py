"""Celery's tasks are counted in real workers, on a real broker, whatever ends them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from spotter import recording
from spotter.context import current
from spotter.recorders import celery_tasks, task_events
from spotter.stores.current import get_store
from tests.celery_project.app import make_app
from tests.kept import kept_store, recorded
from tests.servers.processes import running, tail, wait_until
from tests.servers.redis import running_redis

pytestmark = pytest.mark.long

#: What a task is called with, and nobody may read.
CANARY = "-".join(("canary", "of", "a", "task", "x9q7"))


@contextlib.contextmanager
def running_worker(folder, broker, pool, flush="0.3"):
    """A worker with the store in a folder."""
    log = str(folder / "worker.log")
    command = [
        *(sys.executable, "-m", "celery", "-A", "tests.celery_project.app", "worker"),
        *("--pool", pool, "--concurrency", "2", "--loglevel", "INFO"),
        *("--queues", "celery,letters", "--without-gossip", "--without-mingle"),
    ]
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.celery_project.settings",
        "PYTHONPATH": os.pathsep.join([".", "src"]),
        "SPOTTER_STORE": f"sqlite:///{folder / 'spotter.db'}",
        "SPOTTER_BROKER": broker,
        "SPOTTER_FLUSH": flush,
    }

    def is_ready():
        return " ready." in tail(log)

    with running(command, is_ready, env=env, log=log, seconds=60) as process:
        yield process


@pytest.fixture(scope="module", params=["prefork", "solo", "threads"])
def worker(request, tmp_path_factory):
    """The folder and broker of a worker, one for each way to work."""
    folder = tmp_path_factory.mktemp(request.param)
    with running_redis() as redis, running_worker(folder, redis.url(), request.param):
        yield folder, redis.url(), request.param


class Shop:
    """An app that publishes to the worker, and what was counted since the test began."""

    def __init__(self, broker):
        self.app = make_app(broker)
        self.send = self.app.send_task
        self._before = counted()

    def events(self, name):
        now = {event: n for (task, event), n in counted().items() if task == name}
        grown = {e: n - self._before.get((name, e), 0) for e, n in now.items()}
        return {event: number for event, number in grown.items() if number}

    def wait_for(self, name, **wanted):
        """Wait until a task's counters grew by so much, and no others did."""
        with contextlib.suppress(AssertionError):
            wait_until(lambda: self.events(name) == wanted, 40, name)
        assert self.events(name) == wanted


def counted():
    found = recorded("spotter.task.events", "task.name", "event")
    return {group: point.sum for group, point in found.items()}


@contextlib.contextmanager
def open_shop(folder, broker, settings, monkeypatch):
    monkeypatch.setattr(task_events, "_known", {})
    celery_tasks.listen()
    stored = kept_store(settings, folder)
    next(stored)
    made = Shop(broker)
    yield made
    next(stored, None)
    made.app.close()


@pytest.fixture
def shop(worker, settings, monkeypatch):
    folder, broker, _ = worker
    with open_shop(folder, broker, settings, monkeypatch) as made:
        yield made


def examples(name, since):
    found = get_store().samples("task", key=name, since=since)
    return [sample.body for sample in found]


def test_a_task_is_counted_from_the_queue_to_its_end(shop):
    shop.send("shop.work", (CANARY,))
    shop.wait_for("shop.work", queued=1, started=1, succeeded=1)
    by = ("task.system", "outcome")
    duration = recorded("spotter.task.duration", *by, task_name="shop.work")
    assert duration["celery", "succeeded"].count >= 1
    wait = recorded("spotter.task.wait", task_name="shop.work")[()]
    assert 0 < wait.maximum < 40


def test_a_tasks_queries_are_its_own(shop):
    shop.send("letters.write")
    shop.wait_for("letters.write", queued=1, started=1, succeeded=1)
    routes = recorded("spotter.db.statement.callers", "http.route")
    assert "task letters.write" in routes


def test_a_failed_task_is_counted_and_kept_as_an_example(shop):
    began = time.time()
    shop.send("shop.fail", (CANARY,))
    shop.wait_for("shop.fail", queued=1, started=1, failed=1)
    (body,) = examples("shop.fail", began)
    assert (body["outcome"], body["exception"]) == ("failed", "LookupError")
    assert (body["system"], body["attempt"]) == ("celery", 1)
    assert body["duration"] < 40


def test_every_attempt_of_a_task_that_is_retried_is_counted(shop):
    began = time.time()
    shop.send("shop.come_back", (CANARY,))
    shop.wait_for("shop.come_back", queued=2, started=2, retried=1, succeeded=1)
    attempts = {b["attempt"]: b["outcome"] for b in examples("shop.come_back", began)}
    assert attempts == {1: "retried", 2: "succeeded"}
    kinds = {b["attempt"]: b["exception"] for b in examples("shop.come_back", began)}
    assert kinds == {1: "ConnectionError", 2: ""}


def test_a_task_that_gives_up_has_failed(shop):
    shop.send("shop.give_up")
    shop.wait_for("shop.give_up", queued=2, started=2, retried=1, failed=1)


def test_a_task_that_came_too_late_is_revoked(shop):
    shop.send("shop.nap", (0,), expires=-1)
    shop.wait_for("shop.nap", queued=1, revoked=1)


def test_nothing_that_a_task_is_called_with_is_stored(shop, worker):
    for name in ("shop.work", "shop.fail", "shop.come_back"):
        shop.send(name, (CANARY,), {})
    shop.wait_for("shop.work", queued=1, started=1, succeeded=1)
    shop.wait_for("shop.fail", queued=1, started=1, failed=1)
    shop.wait_for("shop.come_back", queued=2, started=2, retried=1, succeeded=1)
    files = list(worker[0].glob("spotter.db*"))
    assert files
    assert not any(CANARY.encode() in path.read_bytes() for path in files)


def test_counters_of_what_a_worker_can_do_begin_at_0(shop):
    wait_until(lambda: ("shop.die", "failed") in counted(), 40, "zeros")
    assert not any(name.startswith("celery.") for name, _ in counted())


@pytest.fixture
def mortal(redis, tmp_path, settings, monkeypatch):
    """A worker of the test's own, with the shop that publishes to it."""
    with (
        running_worker(tmp_path, redis.url(), "prefork") as worker,
        open_shop(tmp_path, redis.url(), settings, monkeypatch) as made,
    ):
        yield worker, made


def test_a_task_whose_process_is_killed_has_failed(mortal):
    _, shop = mortal
    began = time.time()
    shop.send("shop.die")
    shop.wait_for("shop.die", queued=1, started=1, failed=1)
    (body,) = examples("shop.die", began)
    assert body["exception"] == "billiard.exceptions.WorkerLostError"
    # Whoever takes its place counts on.
    shop.send("shop.work")
    shop.wait_for("shop.work", queued=1, started=1, succeeded=1)


def test_what_was_counted_before_a_worker_was_killed_is_kept(mortal):
    worker, shop = mortal
    shop.send("shop.work")
    shop.wait_for("shop.work", queued=1, started=1, succeeded=1)
    shop.send("shop.nap", (600,))
    shop.wait_for("shop.nap", queued=1, started=1)
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(20)
    assert shop.events("shop.work") == {"queued": 1, "started": 1, "succeeded": 1}
    assert shop.events("shop.nap") == {"queued": 1, "started": 1}


def test_a_task_that_is_called_off_at_work_is_revoked(mortal):
    _, shop = mortal
    sent = shop.send("shop.nap", (600,))
    shop.wait_for("shop.nap", queued=1, started=1)
    shop.app.control.revoke(sent.id, terminate=True)
    shop.wait_for("shop.nap", queued=1, started=1, revoked=1)


def test_what_was_counted_last_is_written_when_a_worker_stops(
    redis, tmp_path, settings, monkeypatch
):
    log = str(tmp_path / "worker.log")
    with (
        running_worker(tmp_path, redis.url(), "prefork", flush="600") as worker,
        open_shop(tmp_path, redis.url(), settings, monkeypatch) as shop,
    ):
        shop.send("shop.work")
        wait_until(lambda: "succeeded in" in tail(log), 40, "the task's end")
        os.kill(worker.pid, signal.SIGTERM)
        worker.wait(40)
        assert shop.events("shop.work") == {"queued": 1, "started": 1, "succeeded": 1}


@pytest.fixture
def eager(kept, monkeypatch):
    """An app that carries tasks out where they are called."""
    monkeypatch.setattr(task_events, "_known", {})
    celery_tasks.listen()
    app = make_app("memory://")
    app.conf.task_always_eager = True
    yield app
    app.close()


def eager_events(name):
    found = recorded("spotter.task.events", "event", task_name=name)
    return {event: point.sum for event, point in found.items() if point.sum}


@pytest.mark.django_db
def test_an_eager_task_is_counted_where_it_is_called(eager):
    eager.tasks["shop.work"].delay(CANARY)
    # It was in no queue.
    assert eager_events("shop.work") == {"started": 1, "succeeded": 1}
    assert recorded("spotter.task.wait") == {}
    assert current() is None


def test_an_eager_task_that_retries_runs_within_itself(eager):
    eager.tasks["shop.come_back"].delay(CANARY)
    assert eager_events("shop.come_back") == {
        "started": 2,
        "retried": 1,
        "succeeded": 1,
    }
    assert celery_tasks._running == {}
    assert current() is None


def test_an_attempt_that_begins_before_the_last_one_has_ended_is_its_own(eager, kept):
    task = eager.tasks["shop.come_back"]
    begun, followed, over = (threading.Event() for _ in range(3))
    left = []

    def attempt(retries, state, begins, may_end, ends):
        task.push_request(id="one", retries=retries)
        celery_tasks.note_started("one", task)
        begins.set()
        may_end.wait(10)
        celery_tasks.note_ended("one", task, state=state)
        left.append(current())
        ends.set()

    first = threading.Thread(
        target=attempt, args=(0, "RETRY", begun, followed, threading.Event())
    )
    second = threading.Thread(target=attempt, args=(1, "SUCCESS", followed, over, over))
    first.start()
    begun.wait(10)
    second.start()
    first.join(10)
    over.set()
    second.join(10)
    recording.flush()
    told = {s.body["attempt"]: s.body["outcome"] for s in kept.samples("task")}
    assert told == {1: "retried", 2: "succeeded"}
    assert (left, celery_tasks._running) == ([None, None], {})


def test_a_broken_recorder_does_not_break_a_task(eager, monkeypatch, caplog):
    monkeypatch.setattr(task_events, "count", None)
    assert eager.tasks["shop.nap"].delay(0).get() is None
    assert "could not count a started task" in caplog.text


NOT_IMPORTED = """
import sys, django
django.setup()
assert "celery" not in sys.modules, "every project pays for it"
from spotter.recorders import celery_tasks
celery_tasks.listen()
assert "celery" not in sys.modules
from celery import Celery
Celery("late", set_as_current=False)
celery_tasks.listen()
from celery import signals
print(all(getattr(signals, name).receivers for name in celery_tasks.RECEIVERS))
"""


def test_celery_is_not_imported_for_who_does_not_use_it():
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.project.settings"}
    command = [sys.executable, "-c", NOT_IMPORTED]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True)
    assert done.stdout.strip() == b"True"
