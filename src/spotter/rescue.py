"""The one place where Spotter swallows an exception."""

from __future__ import annotations

import contextlib
import contextvars
import logging
from collections.abc import Iterator

logger = logging.getLogger("spotter")

_ignoring: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "spotter_ignoring", default=False
)


def is_ignoring() -> bool:
    """Whether this is Spotter's own work, which is never recorded."""
    return _ignoring.get()


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

    Args:
        doing: what was being done, for the log line: "count a query".
    """
    # Around the except too, or a recorder of log lines would record the failure,
    # fail again, and so on without end.
    with ignore():
        try:
            yield
        except Exception:
            logger.exception("spotter could not %s", doing)
