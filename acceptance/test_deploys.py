"""Ten rolling deploys under load: ten marks, no alert, and nobody notices."""

from __future__ import annotations

import contextlib
import http.client
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from spotter.alerts.book import Book
from spotter.recording.deploys import marks_of
from spotter.stores.sqlite import SqliteStore
from tests.servers.processes import tail, wait_until
from tests.servers.trainerhub import environment, running_trainerhub
from tests.servers.web import CHECKOUT, child_environment

pytestmark = [pytest.mark.acceptance, pytest.mark.long, pytest.mark.timeout(900)]
DEPLOYS = 10
#: As production serves it, with the release of a file that a deploy writes.
CONFIG = """
exec(open({usual!r}).read())
raw_env = ["SENTRY_RELEASE=" + open({release!r}).read()]
"""


class Load:
    """People who ask all the time, each time over a new connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.statuses: list[int] = []
        self.failures: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]

    def _ask(self) -> None:
        while not self._over.wait(0.1):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                connection.request("GET", "/api/trainers/")
                self.statuses.append(connection.getresponse().status)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
            finally:
                connection.close()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def watching(home: pathlib.Path, env: dict[str, str]) -> Iterator[None]:
    """The watcher, beside the server."""
    log = home / "watcher.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "spotter", "watch"],
            cwd=CHECKOUT, env=env, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        wait_until(lambda: "watching" in tail(str(log)), 60, "a watcher")
        yield
        assert process.poll() is None, tail(str(log))
    finally:
        process.terminate()
        process.wait(20)


class Gunicorn:
    """
    A server that is renewed in turn: the old one answers until the new one does.

    On SIGHUP the old workers stop at once, and requests wait for as long as the new
    ones take to start: on a slow machine longer than a probe does.
    """

    def __init__(self, pid: int) -> None:
        self.master = psutil.Process(pid)
        self.following: psutil.Process | None = None

    def begin(self) -> None:
        """Start the next beside this one, as soon as this one is let."""

        def is_begun() -> bool:
            self.following = self._next()
            if self.following is None:
                self.master.send_signal(signal.SIGUSR2)
                time.sleep(0.5)
            return self.following is not None

        wait_until(is_begun, 120, "another gunicorn")

    def finish(self) -> None:
        """Let this one end what it is at, and go."""
        assert self.following is not None
        self.master.terminate()
        wait_until(lambda: not lives(self.master), 120, "the end of the old gunicorn")
        self.master = self.following

    def _next(self) -> psutil.Process | None:
        """Of its children the one that has children too."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return next((c for c in self.master.children() if c.children()), None)
        return None


def lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def test_ten_rolling_deploys_under_load_are_ten_marks_and_no_alert(migrated_home):
    home = migrated_home()
    release, config = home / "release", home / "gunicorn.conf.py"
    release.write_text("v0")
    usual = CHECKOUT / "deploy" / "gunicorn.conf.py"
    config.write_text(CONFIG.format(usual=str(usual), release=str(release)))
    extra = {"DJANGO_SETTINGS_MODULE": "acceptance.watched_closely"}
    options = ["--config", str(config), "--graceful-timeout", "20"]
    with running_trainerhub(home, extra, options=options) as server:
        # It listens before its workers have started.
        assert httpx.get(f"{server.url}/live/", trust_env=False, timeout=120).is_success
        gunicorn = Gunicorn(server.pid)
        store = SqliteStore(home / "var" / "spotter" / "spotter.db")

        def marks() -> list[str]:
            return [mark.release for mark in marks_of(store.samples("deploy"))]

        variables = environment(home, {**extra, "PORT": str(server.port)})
        with (
            Load(server.port) as load,
            watching(home, child_environment(variables)),
        ):
            wait_until(lambda: marks() == ["v0"], 120, "the first release")
            for number in range(1, DEPLOYS + 1):
                release.write_text(f"v{number}")
                gunicorn.begin()
                wait_until(lambda: len(marks()) > number, 120, f"the mark of v{number}")  # noqa: B023 (called at once)
                gunicorn.finish()
            before = len(load.statuses)
            wait_until(lambda: len(load.statuses) > before + 30, 60, "more answers")
        assert marks() == [f"v{number}" for number in range(DEPLOYS + 1)]
        with Book(store).reading() as page:
            assert page.incidents() == []
            assert page.deliveries() == []
    store.close()
    assert (load.failures, set(load.statuses)) == ([], {401}), server.log[-4000:]
