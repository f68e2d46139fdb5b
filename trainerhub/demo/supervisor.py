"""Run several programs as one: start, watch, restart and stop them together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

STOP_SECONDS = 30.0
LOOK_SECONDS = 0.2
# So many ends within so long mean that a restart does not help.
ENDS_LIMIT = 4
ENDS_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with_parent() -> None:
    """Ask the kernel to stop this child when its supervisor is killed outright."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(slots=True)
class Child:
    """One program, and when it has ended by itself."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    ended_at: deque[float] = field(default_factory=lambda: deque(maxlen=ENDS_LIMIT))

    def start(self, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(  # noqa: S603 (our own commands)
            self.command,
            env=env,
            stdin=subprocess.DEVNULL,
            # A group of its own: Ctrl-C reaches the supervisor alone, which then
            # stops each child the gentle way.
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def signal(self, number: int) -> None:
        """Signal the child's whole group; what has gone is fine."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def keeps_ending(self, now: float) -> bool:
        """Whether it has ended too often to be started again; notes this end."""
        self.ended_at.append(now)
        is_often = len(self.ended_at) == ENDS_LIMIT
        return is_often and now - self.ended_at[0] < ENDS_SECONDS


class Supervisor:
    """
    Keep children running until SIGINT or SIGTERM, then stop them all.

    Args:
        tell: takes a line for the person who watches.
        env: the children's environment.
    """

    def __init__(
        self,
        children: Sequence[Child],
        tell: Callable[[str], None],
        env: Mapping[str, str],
    ) -> None:
        self.children = children
        self.tell = tell
        self.env = env
        self.is_stopping = False

    def run(self, on_start: Callable[[], None] = lambda: None) -> bool:
        """Start, watch and stop; say whether the end was asked for."""
        before = {
            number: signal.signal(number, self.ask_to_stop)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            for child in self.children:
                child.start(self.env)
            on_start()
            return self.watch()
        finally:
            self.stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True

    def watch(self) -> bool:
        while not self.is_stopping:
            for child in self.children:
                if not child.is_running() and not self.restart(child):
                    return False
            time.sleep(LOOK_SECONDS)
        return True

    def restart(self, child: Child) -> bool:
        """Start a child again, unless it keeps ending."""
        code = child.process.returncode if child.process else None
        if child.keeps_ending(time.monotonic()):
            self.tell(f"{child.name} keeps ending (last with {code}): giving up")
            return False
        self.tell(f"{child.name} ended with {code}: starting it again")
        child.start(self.env)
        return True

    def stop(self) -> None:
        """Stop every child: ask all, wait for all, then insist."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            self.await_end(child, deadline)
            # What a child started and left behind goes with it.
            child.signal(signal.SIGKILL)

    def await_end(self, child: Child, deadline: float) -> None:
        if child.process is None:
            return
        try:
            child.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.tell(f"{child.name} did not stop within {STOP_SECONDS:.0f} s: killed")
            child.signal(signal.SIGKILL)
            child.process.wait()
