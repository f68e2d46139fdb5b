"""Work that may hang, on threads that hold up nothing: not each other, not the end."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, slots=True)
class Errand:
    """One piece of work that is under way, or was."""

    thread: threading.Thread
    started_at: float


class Errands:
    """
    At most one errand of each name at a time.

    A pool's threads could all be taken by what hangs, and the interpreter waits for
    them at its end. These are daemons, and there are no more than names.
    """

    def __init__(self) -> None:
        self._errands: dict[str, Errand] = {}

    def start(self, name: str, work: Callable[[], object]) -> bool:
        """Start it; False while the last one of that name is still at it."""
        if self.seconds(name):
            return False
        thread = threading.Thread(target=work, name=f"spotter-{name}", daemon=True)
        self._errands[name] = Errand(thread, time.monotonic())
        thread.start()
        return True

    def seconds(self, name: str) -> float:
        """For how long one has been under way; 0 when it is not."""
        errand = self._errands.get(name)
        if errand is None or not errand.thread.is_alive():
            return 0.0
        return max(time.monotonic() - errand.started_at, 1e-9)

    def wait(self, seconds: float, *names: str) -> None:
        """Wait for these, or for all, but no longer than so many seconds."""
        until = time.monotonic() + seconds
        for name in names or tuple(self._errands):
            if name in self._errands:
                self._errands[name].thread.join(max(0.0, until - time.monotonic()))
