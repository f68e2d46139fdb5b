"""Drills in real time: a fault at its source, measured by the recorders' own code."""

from __future__ import annotations

import dataclasses
import threading
import time
import uuid
from collections.abc import Callable, Sequence

from spotter import recording
from spotter.alerts.expressions import BestOf, FailedShare, Gauge, SlowShare
from spotter.alerts.rules import Rule
from spotter.entries import DRILL_LABEL, DRILL_PREFIX, Point, Sample
from spotter.stores.contract import Group, Query, Store

#: How often it evaluates, in seconds: as the watcher, and for who is in a hurry.
STEP_SECONDS, FAST_STEP_SECONDS = 5.0, 1.0
#: What `--fast` makes of `for_`, and of the window that a rule looks at.
FAST_FOR_SECONDS, FAST_WINDOW_SECONDS = 5.0, 30.0
#: What flushing, a slow server and a few steps may take besides.
SLACK_SECONDS = 60.0
DELIVERY_SECONDS = 30.0
#: After so long a window is over, or good requests have diluted what was bad in it.
LONGEST_SPAN_SECONDS = 900.0


class Aside:
    """What rules ask: the drill's series in the store that everything is measured to."""

    def __init__(self, store: Store, drill: str) -> None:
        self._store = store
        self._drill = drill
        self.written_at = store.written_at

    def total(self, query: Query) -> dict[Group, Point]:
        """As a store's, of the drill's series."""
        return self._store.total(
            dataclasses.replace(
                query,
                name=DRILL_PREFIX + query.name,
                where={**query.where, DRILL_LABEL: self._drill},
            )
        )

    def samples(self, kind: str, *, since: float, limit: int) -> Sequence[Sample]:
        """A drill keeps none."""
        return ()


class Fault:
    """
    Something that can be broken and mended.

    Write `inject`, which is called at every step; `how` says what it does.
    """

    how = ""
    form = "real"
    rule: Rule

    def inject(self, world: Real, bad: bool) -> None:
        """Break it, or keep it broken; or mend it, or keep it well."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what was made."""


class Real:
    """A world whose time is everybody's."""

    delivery_seconds = DELIVERY_SECONDS

    def __init__(self, fault: Fault, store: Store, *, fast: bool = False) -> None:
        self.rule, shortened = shorter(fault.rule) if fast else (fault.rule, "")
        self.how = fault.how + shortened
        self.form = fault.form
        self.store = store
        self.began = time.time()
        #: A value of its own: what an earlier drill of the rule left does not count.
        self.drill = f"{self.rule.name} {uuid.uuid4().hex[:8]}"
        self.source = Aside(store, self.drill)
        self.patience = self.rule.for_ + span_of(self.rule) + SLACK_SECONDS
        self._fault = fault
        self._step = FAST_STEP_SECONDS if fast else STEP_SECONDS
        self._stopping = threading.Event()

    @property
    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def inject(self, bad: bool) -> None:
        """Break the source, or mend it."""
        self._fault.inject(self, bad)

    def let_time_pass(self) -> None:
        """Wait for the next step; not when it is to stop."""
        self._stopping.wait(self._step)

    def hurry(self) -> None:
        """Wait no more."""
        self._stopping.set()

    def measure(self, capture: Callable[[], object]) -> None:
        """Write what recorders measure in `capture` to the drill's series."""
        self.store.write(recording.captured(self.drill, capture))

    def close(self) -> None:
        """Take the fault away."""
        self._fault.close()


def window_of(rule: Rule) -> float:
    """How long what was measured is felt; of a gauge it is the last reading alone."""
    expression = rule.expression
    is_reading = isinstance(expression, Gauge) and not expression.mean
    if is_reading or isinstance(expression, BestOf):
        return 0.0
    return float(getattr(expression, "window", 0.0))


def span_of(rule: Rule) -> float:
    """How long a fault may be felt after its end: the window, or the time it counts."""
    counted = rule.threshold if rule.unit == "seconds" else 0.0
    return min(max(window_of(rule), counted), LONGEST_SPAN_SECONDS)


def shorter(rule: Rule) -> tuple[Rule, str]:
    """The same rule for who is in a hurry, and what was shortened, in words."""
    changes: dict[str, float] = {}
    words = []
    if rule.for_ > FAST_FOR_SECONDS:
        changes["for_"] = FAST_FOR_SECONDS
        words.append(f"for {FAST_FOR_SECONDS:g} s instead of {rule.for_:g} s")
    expression = rule.expression
    window = window_of(rule)
    if window > FAST_WINDOW_SECONDS:
        expression = dataclasses.replace(expression, window=FAST_WINDOW_SECONDS)  # type: ignore[type-var]
        words.append(f"window {FAST_WINDOW_SECONDS:g} s instead of {window:g} s")
    if rule.name == "MonitoringNoData":
        # Its threshold is a time.
        changes["threshold"] = FAST_WINDOW_SECONDS
        words.append(f"after {FAST_WINDOW_SECONDS:g} s instead of {rule.threshold:g} s")
    changed = dataclasses.replace(rule, expression=expression, **changes)  # type: ignore[arg-type]
    return changed, f" ({', '.join(words)})" if words else ""


def enough_bad(rule: Rule) -> tuple[int, int]:
    """How many requests make the rule true, and how many of them must be bad."""
    expression = rule.expression
    if not isinstance(expression, (FailedShare, SlowShare)):
        raise TypeError("a rule over requests is wanted")
    bad = getattr(expression, "bad_at_least", 1)
    total = max(expression.at_least, bad)
    while bad / total <= rule.threshold and bad < total:
        bad += 1
    return total, bad
