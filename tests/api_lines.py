"""The lines of `spotter.api`, as tests look at them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any


class Lines(list[dict[str, Any]]):
    """The fields of each record, in the order they were logged."""

    @property
    def only(self) -> dict[str, Any]:
        """The fields of the one line there is."""
        (line,) = self
        return line


@contextlib.contextmanager
def captured(logger_name: str = "spotter.api") -> Iterator[Lines]:
    """Collect what is logged at INFO and above while the block runs."""
    lines = Lines()
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(vars(record))  # type: ignore[method-assign]
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel("INFO")
    yield lines
    logger.setLevel(level)
    logger.removeHandler(handler)
