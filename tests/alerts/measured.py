"""A store that tests fill with what recorders would write, under a clock of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from spotter.alerts.book import Book
from spotter.alerts.engine import Engine, Place
from spotter.alerts.expressions import REQUESTS, ROUTE, STATUS
from spotter.alerts.machine import State
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.entries import Batch, Sample, Series
from spotter.stores.sqlite import MEMORY, SqliteStore

MONDAY = 1_700_438_400.0  # 2023-11-20 00:00:00 UTC


class Measured:
    """What was measured, and the rules over it."""

    def __init__(self, now: float = MONDAY) -> None:
        self.now = now
        self.store = SqliteStore(MEMORY, lambda: self.now)
        self.book = Book(self.store)
        self.rules = {rule.name: rule for rule in shipped(lambda: self.book)}
        self.batch = Batch()

    # What expressions ask.

    def total(self, query):
        self.write()
        return self.store.total(query)

    def samples(self, kind, *, since, limit):
        self.write()
        return self.store.samples(kind, since=since, limit=limit)

    def written_at(self):
        return self.store.written_at()

    # What recorders write; `ago` seconds before now.

    def write(self) -> None:
        if self.batch.points or self.batch.samples:
            self.store.write(self.batch)
            self.batch = Batch()

    def requests(
        self, count, status="200", *, ago=0.0, seconds=0.01, route="/a/"
    ) -> None:
        labels = {ROUTE: route, STATUS: status, "http.request.method": "GET"}
        point = self.batch.point(Series.of(REQUESTS, labels), self.now - ago)
        for _ in range(count):
            point.observe(seconds)

    def gauge(
        self, name: str, value: float, labels: Mapping[str, str], ago: float = 0.0
    ) -> None:
        at = self.now - ago
        self.batch.point(Series.of(name, labels), at).set(value, at)

    def count(self, name: str, amount: float, labels: Mapping[str, str]) -> None:
        self.batch.point(Series.of(name, labels), self.now).add(amount)

    def statement(self, count, seconds, *, ago=0.0, name="f1") -> None:
        series = Series.of(
            "spotter.db.statement.duration", {"db.query.fingerprint": name}
        )
        point = self.batch.point(series, self.now - ago)
        for _ in range(count):
            point.observe(seconds)

    def release(self, name, previous, *, ago=0.0) -> None:
        body = {"release": name, "previous": previous}
        at = self.now - ago
        self.batch.samples.append(
            Sample(kind="deploy", key=name, at=at, weight=1, body=body)
        )

    # What rules say.

    def readings(self, rule: str):
        return list(self.rules[rule].expression.read(self, self.now))

    def holds(self, rule: str, *, is_firing=False) -> list[str]:
        """The truth of each reading."""
        found = self.rules[rule]
        return [
            found.judge(reading, is_firing=is_firing).value
            for reading in self.readings(rule)
        ]


class Watch:
    """An engine over it that tells nobody."""

    def __init__(self, measured: Measured, *rules: Rule) -> None:
        self.measured = measured
        self.engine = Engine(rules or list(measured.rules.values()), [], Place())

    def look(self) -> set[str]:
        """Evaluate; give what fires."""
        alerts = self.engine.evaluate(self.measured, self.measured.now)
        with self.measured.book.writing() as page:
            self.engine.write(page, alerts, self.measured.now)
        self.engine.accept()
        return {
            a.rule
            for a in self.engine.alerts.values()
            if a.status.state is State.FIRING
        }


def changed(measured: Measured, name: str, **changes) -> Rule:
    return dataclasses.replace(measured.rules[name], **changes)
