"""Libraries that log the addresses they ask, kept from it while they work for channels."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import logging
from collections.abc import Iterator

#: urllib3 logs every path at DEBUG, which for Slack is the secret, that of a repeated
#: request as a warning, and those of a redirect.
LOGGERS = (
    "apprise", "urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry",
)  # fmt: skip

_is_quiet: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "spotter_quiet", default=False
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let them log nothing inside; for others they log as ever."""
    muffle()
    token = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(token)


@functools.cache
def muffle() -> None:
    """Make them ask, once."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(lambda record: not _is_quiet.get())
