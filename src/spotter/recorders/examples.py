"""Which requests and statements are worth keeping as examples: few, and the worst."""

from __future__ import annotations

import heapq

from spotter.entries import FAILED_WEIGHT

HOUR = 3600
#: Examples that one process offers of each kind, key and hour, and as many failed ones.
OFFERED = 5
#: Keys remembered at once.
MAX_KEYS = 5000


class Examples:
    """Remembers the weightiest of the hour, so that the rest cost nothing."""

    def __init__(self) -> None:
        self._hour = -1
        self._weights: dict[tuple[str, str, bool], list[float]] = {}

    def is_worth_it(self, kind: str, key: str, at: float, weight: float) -> bool:
        """Whether this one is among the weightiest so far; it is remembered if so."""
        hour = int(at) // HOUR
        if hour != self._hour:
            self._hour = hour
            self._weights.clear()
        # Failures compete among themselves, or nothing slow would be offered after them.
        place = (kind, key, weight >= FAILED_WEIGHT)
        weights = self._weights.get(place)
        if weights is None:
            if len(self._weights) >= MAX_KEYS:
                return False
            weights = self._weights[place] = []
        if len(weights) < OFFERED:
            heapq.heappush(weights, weight)
            return True
        if weight <= weights[0]:
            return False
        heapq.heapreplace(weights, weight)
        return True


_examples = Examples()
#: The process's own.
is_worth_it = _examples.is_worth_it
