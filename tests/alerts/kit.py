"""What tests of alerting share: a source that says what it is told, a book, a channel."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from spotter.alerts.book import Book
from spotter.alerts.engine import Engine, Place
from spotter.alerts.expressions import Computed, Reading
from spotter.alerts.outbox import Outbox
from spotter.alerts.rules import Rule, Severity
from spotter.channels import Channel, DeliveryError, Notice
from spotter.stores.contract import StoreError
from spotter.stores.sqlite import MEMORY, SqliteStore


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recorded(Channel):
    """Keeps what it is sent; fails as it is told."""

    name: str = "chat"
    group_seconds: float = 0.0
    sent: list[Notice] = dataclasses.field(default_factory=list, compare=False)
    failures: list[DeliveryError] = dataclasses.field(
        default_factory=list, compare=False
    )

    def send(self, notice: Notice) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(notice)

    @property
    def kinds_sent(self) -> list[str]:
        return [str(notice.kind) for notice in self.sent]


def read(name: str, source: Any, now: float) -> list[Reading]:
    """What the world says of a rule."""
    found: list[Reading] = source.of(name)
    return found


def rule(name: str = "Broken", **options: Any) -> Rule:
    """A rule over what `World.values` says of it."""
    options.setdefault("severity", Severity.CRITICAL)
    options.setdefault("summary", f"{name} is at {{value}}")
    return Rule(
        name=name, expression=Computed(functools.partial(read, name)), **options
    )


class World:
    """A source, a book, an engine and its outbox, under one hand-driven clock."""

    def __init__(
        self, *rules: Rule, channels: Any = None, book: Book | None = None, **place: Any
    ):
        self.now = 1_000_000.0
        self.values: dict[str, float | None] = {}
        self.trouble = ""
        self.rules = rules or (rule(),)
        self.channels = channels if channels is not None else [Recorded()]
        self.book = book or Book(SqliteStore(MEMORY))
        self.place = Place(service="Shop", **{"environment": "production", **place})
        self.start()

    def start(self) -> None:
        """A watcher that has just begun: it knows what the book knows."""
        self.engine = Engine(self.rules, self.channels, self.place)
        self.outbox = Outbox(self.channels)
        with self.book.reading() as page:
            self.engine.load(page)

    def of(self, name: str) -> list[Reading]:
        if self.trouble:
            raise StoreError(self.trouble)
        if name not in self.values:
            return []
        value = self.values[name]
        return [
            Reading(value=value, reason="" if value is not None else "nobody knows")
        ]

    def decide(self) -> None:
        alerts = self.engine.evaluate(self, self.now)  # type: ignore[arg-type]
        with self.book.writing() as page:
            self.engine.write(page, alerts, self.now)
        self.engine.accept()

    def tick(self, seconds: float = 5.0, **values: float | None) -> None:
        """Some time later: evaluate, then send what is due."""
        self.values.update(values)
        self.now += seconds
        self.decide()
        self.outbox.deliver(self.book, self.now)

    @property
    def incidents(self):
        with self.book.reading() as page:
            return page.incidents()

    @property
    def timeline(self):
        with self.book.reading() as page:
            return [(e.kind, e.text) for e in page.events(self.incidents_now(page))]

    @staticmethod
    def incidents_now(page):
        return page.incidents()[0].id

    def decisions(self):
        with self.book.reading() as page:
            return [
                (d.channel, d.kind, d.state, d.reason)
                for d in reversed(page.deliveries())
            ]
