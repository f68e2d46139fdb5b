"""Children run, come back, and are gone at the end, whatever they do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from tests.servers.processes import wait_until
from trainerhub.demo import supervisor
from trainerhub.demo.supervisor import Child, Supervisor

SLEEPS = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPS!r}])"


def python(program: str) -> Child:
    return Child("the child", [sys.executable, "-c", program])


def process_of(child: Child) -> subprocess.Popen[bytes]:
    assert child.process is not None
    return child.process


@pytest.fixture
def said():
    return []


def supervise(child: Child, said: list[str]) -> Supervisor:
    return Supervisor([child], said.append, dict(os.environ))


def after(seconds: float, do) -> None:
    threading.Timer(seconds, do).start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_children_and_is_a_clean_end(said, number):
    child = python(SLEEPS)
    assert supervise(child, said).run(lambda: os.kill(os.getpid(), number)) is True
    assert process_of(child).returncode == -signal.SIGTERM


def test_the_signals_of_the_caller_are_put_back(said):
    before = signal.getsignal(signal.SIGINT)
    supervise(python(SLEEPS), said).run(lambda: os.kill(os.getpid(), signal.SIGINT))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_child_that_ends_is_started_again_and_said(said):
    child = python(SLEEPS)
    running = supervise(child, said)

    def kill_and_stop() -> None:
        first = process_of(child)
        first.kill()
        wait_until(lambda: child.process is not first, 10, "a second start")
        os.kill(os.getpid(), signal.SIGTERM)

    running.run(lambda: after(0, kill_and_stop))
    assert said == ["the child ended with -9: starting it again"]


def test_a_child_that_keeps_ending_ends_it_all(said):
    assert supervise(python("raise SystemExit(3)"), said).run() is False
    assert said[-1] == "the child keeps ending (last with 3): giving up"


@pytest.mark.parametrize(("seconds", "often"), [(59.9, True), (60.0, False)])
def test_only_ends_within_a_minute_count(seconds, often):
    child = python(SLEEPS)
    ends = [child.keeps_ending(at) for at in (0.0, 1.0, 2.0, seconds)]
    assert ends == [False, False, False, often]


def test_a_deaf_child_is_killed(said, monkeypatch):
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.5)
    child = python(f"print('deaf', flush=True); {DEAF}")
    supervise(child, said).run(lambda: after(1, lambda: os.kill(os.getpid(), 15)))
    assert process_of(child).returncode == -signal.SIGKILL
    assert "did not stop" in said[0]


def test_a_child_s_own_children_go_too(said):
    child = python(PARENT)
    supervise(child, said).run(lambda: after(1, lambda: os.kill(os.getpid(), 15)))
    assert not [
        process
        for process in psutil.process_iter(["status", "pid"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and os.getpgid(process.info["pid"]) == process_of(child).pid
    ]
