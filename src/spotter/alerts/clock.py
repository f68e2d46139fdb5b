"""Two clocks that watch each other: a jump of the wall clock must not count as time."""

from __future__ import annotations

import time
from collections.abc import Callable

#: A difference that no slewing and no scheduling explains.
JUMP_SECONDS = 5.0


def has_passed(since: float, seconds: float, now: float) -> bool:
    """
    Whether so long has passed since an instant that is written down.

    Yes before that instant: a clock that was set back must hold nobody's message up.
    """
    return not 0 <= now - since < seconds


class Clock:
    """
    The wall clock, and how far it jumped since the last look.

    The monotonic clock stands still while a machine sleeps, so that a sleep is seen
    as a jump forward.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._last: tuple[float, float] | None = None

    def now(self) -> float:
        """Unix seconds."""
        return self._wall()

    def jumped(self) -> float:
        """Seconds that the wall clock moved more than time did, since the last call."""
        here = (self._wall(), self._monotonic())
        before, self._last = self._last, here
        if before is None:
            return 0.0
        jump = (here[0] - before[0]) - (here[1] - before[1])
        return jump if abs(jump) > JUMP_SECONDS else 0.0
