"""Work in a process of its own: Django's settings are made once in each."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any


def apart(work: Callable[..., None], *arguments: Any) -> None:
    """Run it, and end as it ends."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)
