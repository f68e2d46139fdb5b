"""Queries of threads that work for nobody in particular: a scheduler's, a project's own."""

from __future__ import annotations

import time

from spotter.context import Context
from spotter.recorders.work import measure_all_spans
from spotter.recording import Measures

#: What stands where a request has its route.
STRAY = "(none)"


class Stray:
    """One query of such a thread, which never ends as a request does."""

    __slots__ = ("at", "context")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.at = time.time()

    def measure(self, into: Measures) -> None:
        """Add it to the points of its statement."""
        measure_all_spans(self.context, into, self.at)
        if self.context.unseen_spans:
            into.drop("span", "over budget", self.at, self.context.unseen_spans)

    def lighten(self) -> None:
        """There is no room for it."""
        self.context.drop_spans()
