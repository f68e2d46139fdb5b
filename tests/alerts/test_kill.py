"""`kill -9` at every step: each message at least once, at most twice, never zero times."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys

import pytest

from tests.alerts.killed import POINTS
from tests.channels.receiver import receiving
from tests.servers.processes import running, wait_until
from tests.servers.web import CHECKOUT, child_environment

pytestmark = pytest.mark.long

numbers = itertools.count()
#: The receiver has the message, and nobody wrote that down.
UNKNOWN = ("after it was received", "before it is marked", "while it is marked")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'spotter.db'}"
    server = request.getfixturevalue("postgres")
    return str(server.create_database(f"told{next(numbers)}"))


@pytest.mark.parametrize("point", POINTS)
def test_a_message_survives_the_death_of_its_watcher(point, store, tmp_path):
    """The beginning when its watcher dies with it, and the end from the next watcher."""
    value = tmp_path / "value"
    value.write_text("1")
    log = tmp_path / "watcher.log"
    env = child_environment({"PYTHONWARNINGS": "ignore"})
    with receiving() as receiver:
        command = [
            sys.executable,
            "-m",
            "tests.alerts.killed",
            store,
            receiver.url,
            str(value),
        ]
        with log.open("w") as output:
            died = subprocess.run(
                [*command, point], cwd=CHECKOUT, env=env, timeout=60, check=False,
                stdout=output, stderr=output,
            )  # fmt: skip
        assert died.returncode == -signal.SIGKILL, log.read_text()
        had_it = len(receiver.bodies)
        with running(command, lambda: True, env=env, cwd=str(CHECKOUT), log=str(log)):
            wanted = 2 if point in UNKNOWN else 1
            wait_until(lambda: len(receiver.bodies) == wanted, 60, "the beginning")
            value.write_text("0")
            wait_until(lambda: len(receiver.bodies) > wanted, 60, "the end")
    kinds = [body["kind"] for body in receiver.bodies]
    assert kinds == ["trigger"] * wanted + ["resolve"]
    assert had_it == (point in (*UNKNOWN, "after it was marked"))
    assert len({each["Idempotency-Key"] for each in receiver.headers}) == 2
