"""The one place where Spotter swallows an exception."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import time
from collections.abc import Callable, Iterator

logger = logging.getLogger("spotter")

#: Failures of one kind that are logged, each with its stack, in so many seconds.
MAX_TOLD, TOLD_SECONDS = 20, 60.0
#: Kinds that are remembered.
MAX_KINDS = 1000

_ignoring: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "spotter_ignoring", default=False
)


#: Whether this is Spotter's own work, which is never recorded.
is_ignoring: Callable[[], bool] = _ignoring.get


@contextlib.contextmanager
def ignore() -> Iterator[None]:
    """Record nothing that happens inside."""
    token = _ignoring.set(True)
    try:
        yield
    finally:
        _ignoring.reset(token)


@contextlib.contextmanager
def rescue(doing: str) -> Iterator[None]:
    """
    Log what goes wrong inside and carry on: what watches must not break.

    What goes wrong with every query must not fill the disk either: of one kind only
    the first of each minute are logged, and how many more there were.

    Args:
        doing: what was being done, for the log line: "count a query".
    """
    # Around the except too, or a recorder of log lines would record the failure,
    # fail again, and so on without end.
    with ignore():
        try:
            yield
        except Exception:
            if is_told(doing):
                logger.exception("spotter could not %s", doing)


#: Of each kind when its minute began, and how many there were since.
_told: dict[str, tuple[float, int]] = {}


def is_told(doing: str) -> bool:
    """Whether to log a failure, or others like it were logged often enough of late."""
    now = time.monotonic()
    began, number = _told.get(doing, (now, 0))
    if now - began >= TOLD_SECONDS:
        if number > MAX_TOLD:
            more = number - MAX_TOLD
            logger.error("spotter could not %s, %d more times", doing, more)
        began, number = now, 0
    if doing not in _told and len(_told) >= MAX_KINDS:
        _told.clear()
    _told[doing] = began, number + 1
    return number < MAX_TOLD
