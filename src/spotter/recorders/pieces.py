"""A piece of work that is no request: a task or a command, measured as one."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from spotter import recording
from spotter.context import Context, enter, leave, new_id
from spotter.entries import FAILED_WEIGHT, Sample
from spotter.recorders.api_log import name_of
from spotter.recorders.examples import is_worth_it
from spotter.recorders.work import measure_all_spans
from spotter.recording import Measures


class Piece:
    """
    One task or command, from `Piece(…)` to `end()`.

    Args:
        metric: of its duration, "spotter.task.duration".
        labels: of its metric; `outcome` is added at the end.
        name: what its queries are counted under, where a request has its route.
    """

    def __init__(self, metric: str, labels: Mapping[str, str], name: str) -> None:
        self.metric = metric
        self.labels = dict(labels)
        self.started = perf_counter()
        self.seconds = 0.0
        self.outcome = ""
        self.sample: dict[str, Any] = {}
        id_ = new_id()
        self.context = Context(request_id=id_, trace_id=id_, route=name)
        self._token: contextvars.Token[Context | None] | None = enter(self.context)

    def end(
        self,
        error: BaseException | None = None,
        *,
        failed: bool = False,
        outcome: str = "",
    ) -> None:
        """Count it; it succeeded unless something else is said."""
        self.seconds = perf_counter() - self.started
        # First: its context must not outlive it, whatever goes wrong below.
        token, self._token = self._token, None
        if token is not None:
            try:
                leave(token)
            except ValueError:
                enter(None)  # It began in another task of the event loop.
        is_failed = failed or error is not None
        self.outcome = outcome or ("failed" if is_failed else "succeeded")
        if error is not None:
            self.context.exception = name_of(type(error))
        self.at = time.time()
        recording.put(self)

    def measure(self, into: Measures) -> None:
        """Add it to its points, with what it waited for."""
        labels = {**self.labels, "outcome": self.outcome}
        into.point(self.metric, labels, self.at).observe(self.seconds)
        measure_all_spans(self.context, into, self.at)
        if self.sample:
            self._keep_example(into)

    def lighten(self) -> None:
        """Give up the details, for want of room."""
        self.context.drop_spans()

    def _keep_example(self, into: Measures) -> None:
        weight = self.seconds + (FAILED_WEIGHT if self.outcome == "failed" else 0.0)
        key = str(self.sample["name"])
        if is_worth_it("task", key, self.at, weight):
            body = {
                **self.sample,
                "request_id": self.context.request_id,
                "outcome": self.outcome,
                "duration": self.seconds,
                "exception": self.context.exception or self.sample.get("exception", ""),
            }
            into.sample(
                Sample(kind="task", key=key, at=self.at, weight=weight, body=body)
            )
