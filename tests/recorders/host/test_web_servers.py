"""Real web servers: their workers are counted, and so is each that is killed."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import time

import psutil
import pytest

from spotter.stores import Query
from spotter.stores.sqlite import SqliteStore
from tests.servers.processes import wait_until
from tests.servers.web import serving

pytestmark = [pytest.mark.long, pytest.mark.acceptance, pytest.mark.timeout(240)]
THREADS = 3
SERVERS = {
    "gunicorn": ("gunicorn", THREADS, "killed"),
    "gunicorn-uvicorn": ("gunicorn", 0, "unknown"),
    "uvicorn": ("uvicorn", 0, "unknown"),
    "granian": ("granian", THREADS, "killed"),
    "granian-asgi": ("granian", 0, "killed"),
}


class Served:
    """A server under test and what its workers have told of it."""

    def __init__(self, server, store):
        self.server, self.store = server, store

    def ask(self):
        """Something that is measured; in a deploy nobody may be there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        connection.timeout = 10
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/nothing/")
            connection.getresponse().read()
        connection.close()

    def read(self, name, *by):
        self.ask()
        now = time.time()
        query = Query(name=name, start=now - 600, end=now + 10, by=by, buckets=False)
        return self.store.total(query)

    def workers(self):
        """How many live of how many there should be, by the server's name."""
        found = [
            self.read(f"spotter.server.workers.{which}", "server.name", "process.pid")
            for which in ("alive", "configured")
        ]
        return {
            group[0]: tuple(int(each[group].last) for each in found if group in each)
            for group in found[0]
            if group[1] == str(self.server.pid)
        }

    def ended(self):
        found = self.read("spotter.workers.ended", "how")
        return {how: int(point.sum) for (how,), point in found.items() if point.sum}

    def pids(self):
        """Workers that measure."""
        found = self.read("process.memory.usage", "process.pid")
        return [int(pid) for (pid,) in found if psutil.pid_exists(int(pid))]


@contextlib.contextmanager
def served(kind, folder, **options):
    store = SqliteStore(folder / "spotter.db")
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.project.telling",
        "SPOTTER_STORE": f"sqlite:///{folder / 'spotter.db'}",
        # Where the ledger is.
        "TMPDIR": str(folder),
        "PYTHONWARNINGS": "ignore",
    }
    with serving(
        "tests.project", folder, server=kind, env=env, threads=THREADS, **options
    ) as server:
        yield Served(server, store)
    store.close()


@pytest.mark.parametrize("kind", SERVERS)
def test_workers_are_counted_and_so_is_one_that_is_killed(kind, tmp_path):
    name, threads, how = SERVERS[kind]
    with served(kind, tmp_path) as it:
        wait_until(lambda: it.workers() == {name: (2, 2)}, 40, "two workers of two")
        assert bool(it.read("spotter.workers.count")) is bool(threads)
        if threads:
            count = it.read("spotter.workers.count", "process.pid")
            assert {point.last for point in count.values()} == {threads}
        else:
            wait_until(
                lambda: bool(it.read("spotter.event_loop.lag")), 40, "a loop's lag"
            )
        assert it.ended() == {}
        os.kill(it.pids()[0], signal.SIGKILL)
        wait_until(lambda: it.ended() == {how: 1}, 60, "the end of one")
        wait_until(lambda: it.workers() == {name: (2, 2)}, 40, "another in its place")


@pytest.mark.parametrize("kind", ["gunicorn", "granian"])
def test_workers_that_a_server_replaces_are_not_told_as_killed(kind, tmp_path):
    """Nor is one that never measured anything."""
    with served(kind, tmp_path) as it:
        wait_until(lambda: it.workers() == {kind: (2, 2)}, 40, "two workers")
        os.kill(it.server.pid, signal.SIGHUP)
        wait_until(lambda: it.ended() == {"exited": 2}, 60, "the end of both")


def test_a_server_that_is_its_only_worker_is_one_of_one(tmp_path):
    with served("uvicorn", tmp_path, workers=1) as it:
        wait_until(lambda: it.workers() == {"uvicorn": (1, 1)}, 40, "one worker")
