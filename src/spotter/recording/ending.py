"""What is to be done before a process ends, however its server lets it end."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable
from typing import Any

from spotter.rescue import rescue

_calls: list[Callable[[], None]] = []


def at_exit(call: Callable[[], None]) -> None:
    """Call it before the process ends; what was registered last is called first."""
    if call not in _calls:
        _calls.append(call)


def end() -> None:
    """Call everything; a second time does no harm."""
    for call in reversed(_calls):
        with rescue("end a process"):
            call()


def mind_child() -> None:
    """
    Be called in a child of multiprocessing too, such as a worker of granian.

    It ends by os._exit, before which multiprocessing runs what it was given, and
    nobody runs atexit's.
    """
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, end, exitpriority=10)


atexit.register(end)
