"""Child processes that tests start and are sure to stop."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest


def free_port() -> int:
    """Give a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(*names: str) -> str:
    """Find one of the programs, or skip the test and say how to get it."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    pytest.skip(f"{names[0]} is not installed: run `make services`")


def accepts(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(ready: Callable[[], bool], seconds: float, what: str) -> None:
    """Look every 20 ms; fail the test when it takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes], with_signal: int = signal.SIGTERM) -> None:
    """Ask the whole process group to stop, then insist."""
    for attempt in (with_signal, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, attempt)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
            break
    # Children that outlived their parent.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def running(
    command: Sequence[str],
    ready: Callable[[], bool],
    *,
    seconds: float = 30,
    env: Mapping[str, str] | None = None,
    log: str = os.devnull,
    user: int | None = None,
    stop_with: int = signal.SIGTERM,
    cwd: str | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run a command in its own process group while the block runs.

    Args:
        ready: asked every 20 ms until it is true.
        log: a file that takes both its outputs; read it when a test fails.
        user: drop to this user id, for servers that refuse to run as root.
    """
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            user=user,
            group=user,
            extra_groups=[] if user is not None else None,
            start_new_session=True,
        )
    try:

        def ready_or_dead() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"{command[0]} ended at once: {tail(log)}")
            return ready()

        wait_until(ready_or_dead, seconds, f"start of {command[0]}")
        yield process
    finally:
        stop(process, stop_with)


def tail(path: str, size: int = 4000) -> str:
    """The end of a log, for the message of a failed test."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read()[-size:].decode(errors="replace")
    return "(no log)"
