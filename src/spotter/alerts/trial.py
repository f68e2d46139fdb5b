"""
Rules over given series: what they would say, without anybody being told.

A trial has a store and a clock of its own; the rule, its expression and the engine are
the real ones. `Replay` does the same over what a store has recorded.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from spotter.alerts.engine import Engine, Place
from spotter.alerts.expressions import BestOf, Gauge, Increase, Reads
from spotter.alerts.machine import State
from spotter.alerts.records import Alert
from spotter.alerts.rules import Rule
from spotter.catalog import METRICS
from spotter.entries import Batch, Point, Sample, Series
from spotter.stores.sqlite import MEMORY, SqliteStore

#: How often a trial evaluates, in seconds: as often as the store has a new window.
STEP = 10.0
#: The instant that a file's times count from; a full day, so that windows are whole.
BEGINNING = 1_767_225_600.0  # 2026-01-01 00:00:00 UTC
#: Events that one sample may bring; a histogram counts each.
MAX_EVENTS = 100_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """
    One series of a file.

    Args:
        values: one for each interval: a gauge's reading or a counter's state; None
            where nothing was measured.
        seconds: how long each event of a histogram or summary took.
    """

    name: str
    labels: Mapping[str, str]
    values: Sequence[float | None]
    seconds: float = 0.01


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One alert at one instant."""

    at: float
    alert: Alert


@dataclasses.dataclass(slots=True, kw_only=True)
class Firing:
    """One time that an alert fired; `until` is None while it still does."""

    labels: Mapping[str, str]
    since: float
    until: float | None
    worst: float | None
    text: str = ""


class Replay:
    """One rule, evaluated at one instant after the other."""

    def __init__(self, rule: Rule, source: Reads) -> None:
        self.rule = dataclasses.replace(rule, every=0.0, because_of=())
        self.engine = Engine([self.rule], [], Place())
        self.source = source

    def look(self, now: float) -> list[Alert]:
        """Evaluate; the alerts that are not merely unheard of."""
        for alert in self.engine.evaluate(self.source, now):
            is_idle = alert.status.state is State.INACTIVE
            if is_idle and alert.reason and not alert.flips:
                self.engine.alerts.pop(alert.key, None)
            else:
                self.engine.alerts[alert.key] = alert
        return list(self.engine.alerts.values())


def firings(
    rule: Rule, source: Reads, start: float, end: float, step: float
) -> list[Firing]:
    """When a rule would have fired between two instants."""
    replay = Replay(rule, source)
    known: dict[str, Firing] = {}
    found: list[Firing] = []
    for now in steps(start, end, step):
        fires = {a.key: a for a in replay.look(now) if a.is_firing}
        for key in [key for key in known if key not in fires]:
            known.pop(key).until = now
        for key, alert in fires.items():
            if key not in known:
                known[key] = Firing(
                    labels=alert.labels, since=now, until=None, worst=alert.value
                )
                found.append(known[key])
            note(known[key], alert, below=rule.below)
    return found


def note(firing: Firing, alert: Alert, *, below: bool) -> None:
    """Keep the worst value."""
    if alert.value is None:
        return
    worst = firing.worst
    is_worse = worst is None or (alert.value < worst if below else alert.value > worst)
    if is_worse or not firing.text:
        firing.worst, firing.text = alert.value, alert.text


def steps(start: float, end: float, step: float) -> Iterator[float]:
    """Instants from `start` to `end`, both included."""
    for number in range(math.floor((end - start) / step) + 1):
        yield start + number * step


class Trial:
    """One rule over the series of a file."""

    def __init__(self, rule: Rule, given: Sequence[Given], interval: float) -> None:
        self.given = given
        self.kind = kind_of_own(rule)
        self.interval = interval
        self._now = BEGINNING
        self._written = -1
        self.store = SqliteStore(MEMORY, lambda: self._now)
        self.replay = Replay(rule, self)

    def run(self, until: float) -> Iterator[Seen | float]:
        """
        Evaluate from 0 to `until`, in seconds.

        Gives each instant, then what was seen at it.
        """
        for after in steps(0.0, until, STEP):
            self._now = BEGINNING + after
            self._write(after)
            yield after
            for alert in self.replay.look(self._now):
                yield Seen(at=after, alert=alert)

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    # What expressions ask.

    def total(self, query: object) -> dict[tuple[str, ...], Point]:
        """As a store's."""
        return self.store.total(query)  # type: ignore[arg-type]

    def samples(self, kind: str, *, since: float, limit: int) -> Sequence[Sample]:
        """As a store's."""
        return self.store.samples(kind, since=since, limit=limit)

    def written_at(self) -> float | None:
        """As a store's."""
        return self.store.written_at()

    def _write(self, after: float) -> None:
        """Put in what was measured up to now."""
        reached = math.floor(after / self.interval)
        if reached == self._written:
            return
        batch = Batch()
        for number in range(self._written + 1, reached + 1):
            for each in self.given:
                if number < len(each.values):
                    kind = (
                        METRICS[each.name].kind if each.name in METRICS else self.kind
                    )
                    at = BEGINNING + number * self.interval
                    put(batch, each, number, at, kind)
        self._written = reached
        if batch.points:
            self.store.write(batch)


def put(batch: Batch, given: Given, number: int, at: float, kind: str) -> None:
    """One sample of one series; a counter's is what it grew by."""
    value = given.values[number]
    if value is None:
        return
    point = batch.point(Series.of(given.name, given.labels), at)
    if kind == "gauge":
        point.set(value, at)
        return
    grown = growth(given.values, number)
    if kind == "counter":
        point.add(grown)
        return
    for _ in range(min(round(grown), MAX_EVENTS)):
        if kind == "summary":
            point.note(given.seconds)
        else:
            point.observe(given.seconds)


def growth(values: Sequence[float | None], number: int) -> float:
    """By how much a counter grew since it was seen last; one that fell began anew."""
    value = values[number] or 0.0
    before = next((v for v in reversed(values[:number]) if v is not None), None)
    if before is None:
        return value
    return value - before if value >= before else value


def kind_of_own(rule: Rule) -> str:
    """Of what kind a project's own metric is, by what the rule asks of it."""
    if isinstance(rule.expression, Increase):
        return "counter"
    return "gauge" if isinstance(rule.expression, (Gauge, BestOf)) else "histogram"
