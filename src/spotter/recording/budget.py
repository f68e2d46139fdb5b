"""How much of a core watching may take, and what it gives up when it takes more."""

from __future__ import annotations

import itertools

#: CPU of the flushing thread, as a share of one core.
BUDGET = 0.05
#: The least share of requests whose queries and lookups are looked at.
LEAST = 1 / 64


class Budget:
    """
    Which requests are looked at in detail: all, until that costs too much.

    What is given up is spans: statements, prefixes and examples. Requests are counted
    and timed all the same.
    """

    def __init__(self, budget: float = BUDGET) -> None:
        self.budget = budget
        self.share = 1.0
        self._every = 1
        self._numbers = itertools.count()

    def takes(self) -> bool:
        """Whether the next request is looked at in detail."""
        return self._every == 1 or next(self._numbers) % self._every == 0

    def spent(self, cpu_seconds: float, seconds: float) -> bool:
        """Take what was spent in a time; True when the share changes."""
        before, used = self.share, cpu_seconds / max(seconds, 0.001)
        if used > self.budget:
            self.share = max(LEAST, self.share / 2)
        elif used < self.budget / 4:
            # A quarter: doubling must not lead straight over the budget again.
            self.share = min(1.0, self.share * 2)
        self._every = round(1 / self.share)
        return self.share != before


#: This process's own.
budget = Budget()
