"""Monitors: what to ask from outside, and what one probe found."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

from spotter.probes.attempt import Attempt, attempt
from spotter.probes.reasons import reason

#: A probe that may take longer than this holds a thread of the watcher for nothing.
MAX_TIMEOUT_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """
    What one probe found.

    Args:
        problem: why it failed; "" when it did not.
        expires_at: when the certificate does, in Unix seconds.
    """

    seconds: float
    problem: str = ""
    expires_at: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """
    Write `check()`, and list an instance in `SPOTTER["MONITORS"]`.

    Args:
        name: what it is called; unique.
        timeout_seconds: the longest that one probe may take, from the look-up of the
            name to the last byte.
    """

    name: str
    timeout_seconds: float = 5.0

    def probe(self) -> Probe:
        """Ask once; never raises, and never takes much longer than it may."""
        started = time.perf_counter()
        done = attempt(id(self), self.timeout_seconds, self.check)
        seconds = time.perf_counter() - started
        return Probe(
            seconds=seconds,
            problem=self._problem_of(done, seconds),
            expires_at=done.result or done.expires_at,
        )

    def _problem_of(self, done: Attempt, seconds: float) -> str:
        is_late = done.is_cut or not done.is_over or seconds > self.timeout_seconds
        if is_late:
            # Whatever it came to in the end, it was too late.
            return f"no answer within {self.timeout_seconds:g} s"
        return reason(done.error) if done.error else ""

    def check(self) -> float | None:
        """Ask; raise for what is wrong; give when the certificate expires."""
        raise NotImplementedError

    @property
    def host(self) -> str:
        """The host that is asked."""
        return ""

    def problems(self) -> Iterator[str]:
        """What is wrong with its arguments, for the system check."""
        # Settings are written without a type checker.
        name: object = self.name
        if not isinstance(name, str) or not name.strip():
            yield f"name is {name!r}; it must be a text"
        seconds: object = self.timeout_seconds
        if (
            isinstance(seconds, bool)
            or not isinstance(seconds, int | float)
            or not 0 < seconds <= MAX_TIMEOUT_SECONDS
        ):
            yield (
                f"timeout_seconds is {seconds!r}; it must be a number above 0 and up "
                f"to {MAX_TIMEOUT_SECONDS:g}"
            )
