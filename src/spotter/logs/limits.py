"""Hold back what a noisy logger repeats, and say how much was held back."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Mapping

from spotter.exceptions import ConfigurationError

#: Records of this level and above are never held back.
NEVER = logging.ERROR
#: One line tells what was suppressed in so long a time.
INTERVAL_SECONDS = 60.0
_DECIDED = "_spotter_passes"


class Limits(logging.Filter):
    """
    Sample and limit records below ERROR, by logger and everything below it.

    Put one instance on every handler: the first handler decides for all of them.

    Args:
        limits: by logger name, `per_second` (records) and `sample` (0 to 1).

    Raises:
        ConfigurationError: a limit is unknown or out of range.
    """

    def __init__(
        self,
        limits: Mapping[str, Mapping[str, float]],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        super().__init__()
        self.limits = {
            name: Limit(name, interval_seconds, **checked(name, given))
            for name, given in limits.items()
        }

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        fields = record.__dict__
        if _DECIDED not in fields:
            limit = self.limit_of(record.name)
            fields[_DECIDED] = (
                limit is None or record.levelno >= NEVER or limit.passes()
            )
        return bool(fields[_DECIDED])

    def limit_of(self, name: str) -> Limit | None:
        """Give the nearest limit: of the logger or of one above it."""
        while name and name not in self.limits:
            name = name.rpartition(".")[0]
        return self.limits.get(name)


def checked(name: str, given: Mapping[str, float]) -> dict[str, float]:
    unknown = sorted(set(given) - {"per_second", "sample"})
    if unknown:
        raise ConfigurationError(
            f"limits[{name!r}] has {unknown}; it takes per_second and sample."
        )
    if given.get("per_second", 1) <= 0 or not 0 <= given.get("sample", 1) <= 1:
        raise ConfigurationError(
            f"limits[{name!r}] is {dict(given)}; per_second is above 0 and sample "
            "from 0 to 1."
        )
    return dict(given)


class Limit:
    """What one logger may write: a bucket of tokens, and a share."""

    def __init__(
        self,
        name: str,
        interval_seconds: float,
        per_second: float = 0,
        sample: float = 1,
    ) -> None:
        self.name = name
        self.interval_seconds = interval_seconds
        self.per_second = per_second
        self.sample = sample
        self.forget()

    def forget(self) -> None:
        """Start with a full bucket and nothing to tell, as a forked child must."""
        self.lock = threading.Lock()
        self.process = os.getpid()
        self.tokens = max(1.0, self.per_second)
        self.filled_at = time.monotonic()
        self.suppressed = 0

    def passes(self) -> bool:
        """Take a token, or count a suppressed record."""
        if self.process != os.getpid():
            self.forget()
        sampled = self.sample >= 1 or random.random() < self.sample  # noqa: S311
        with self.lock:
            if sampled and self.take():
                return True
            self.suppressed += 1
            first = self.suppressed == 1
        if first:
            self.tell_later()
        return False

    def take(self) -> bool:
        if not self.per_second:
            return True
        now = time.monotonic()
        self.tokens += (now - self.filled_at) * self.per_second
        self.tokens = min(self.tokens, max(1.0, self.per_second))
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def tell_later(self) -> None:
        timer = threading.Timer(self.interval_seconds, self.tell)
        timer.daemon = True
        timer.start()

    def tell(self) -> None:
        """Say how many were suppressed since the last time."""
        with self.lock:
            count, self.suppressed = self.suppressed, 0
        logging.getLogger(self.name).warning(
            "%d records of this logger were suppressed in %g seconds",
            count,
            self.interval_seconds,
            extra={_DECIDED: True},
        )
