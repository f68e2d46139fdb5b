"""How many messages a receiver is sent in a time: a token bucket."""

from __future__ import annotations


class Bucket:
    """
    At most `count` at once, filling up again within `seconds`.

    Not thread-safe: one channel's messages are sent by one thread.
    """

    def __init__(self, count: int, seconds: float) -> None:
        self.count = count
        self.per_token = seconds / count
        self._tokens = float(count)
        self._filled_at: float | None = None
        self._closed_until = 0.0

    def tokens(self, now: float) -> int:
        """How many may be sent now."""
        if now < self._closed_until <= now + 2 * 3600.0:
            return 0
        self._fill(now)
        # A sum of fractions is a little under the whole number that it is.
        return int(self._tokens + 1e-6)

    def take(self, now: float) -> None:
        """One is sent."""
        self._fill(now)
        self._tokens -= 1.0

    def close(self, now: float, seconds: float) -> None:
        """The receiver asked to be left alone."""
        self._closed_until = max(self._closed_until, now + seconds)

    def _fill(self, now: float) -> None:
        # A clock that was set back fills nothing.
        passed = max(0.0, now - (now if self._filled_at is None else self._filled_at))
        self._tokens = min(float(self.count), self._tokens + passed / self.per_token)
        self._filled_at = now
