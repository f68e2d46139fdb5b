"""
Drills: make a rule fire on purpose and follow it to every receiver and back.

A drill has a store, a book and a clock of its own, so that nothing of it reaches
statistics, incidents or reports, and waiting for `for_` takes no time. What is put into
the store is what the recorders would put there; from then on everything is the real
thing: the rule, the engine, routing, the channels.
"""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from spotter.alerts.book import SENT, SUPPRESSED, Book, Delivery, Ping
from spotter.alerts.engine import Engine, Place
from spotter.alerts.expressions import (
    BestOf,
    FailedShare,
    Gauge,
    Increase,
    SlowShare,
)
from spotter.alerts.heartbeats import FAILURE, SUCCESS
from spotter.alerts.outbox import Outbox
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import REQUESTS, ROUTE, STATUS
from spotter.channels import Channel, Notice
from spotter.entries import Batch, Sample, Series
from spotter.probes import Tcp
from spotter.stores.sqlite import MEMORY, SqliteStore

#: How often a drill evaluates, in seconds of its own clock.
STEP = 5.0
#: More than any rule waits or keeps firing.
LONGEST_SECONDS = 3 * 3600.0
WHERE = "drill"
#: Under this name, with the rule's, drills are written down like jobs.
JOB = "drill:"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One leg of the way: after so many seconds of the drill's clock, and how it went."""

    name: str
    after: float
    text: str = ""
    ok: bool = True


class Stream:
    """What rules ask: the drill's own store."""

    def __init__(self, store: SqliteStore) -> None:
        self.total = store.total
        self.written_at = store.written_at
        self._store = store

    def samples(self, kind: str, *, since: float, limit: int) -> Sequence[Sample]:
        """As a store's."""
        return self._store.samples(kind, since=since, limit=limit)


Inject = Callable[["Drill", bool], None]


class Drill:
    """One drill of one rule through some channels."""

    def __init__(self, rule: Rule, channels: Sequence[Channel], place: Place) -> None:
        # What explains it in earnest does not fire here.
        self.rule = dataclasses.replace(rule, because_of=(), every=0.0)
        self.channels = channels
        self.now = self.began = float(int(time.time()))
        self.store = SqliteStore(MEMORY, lambda: self.now)
        self.book = Book(self.store)
        self.engine = Engine(
            [self.rule], channels, dataclasses.replace(place, is_drill=True)
        )
        self.outbox = Outbox(channels)

    def use(self, rule: Rule) -> None:
        """Drill this one instead: the same, reading the drill's own book."""
        self.rule = dataclasses.replace(rule, because_of=(), every=0.0)
        self.engine = Engine([self.rule], self.channels, self.engine.place)

    def run(self) -> Iterator[Stage]:
        """Each stage as it is reached; the first that is not ends the drill."""
        inject = INJECTIONS.get(self.rule.name) or by_expression(self.rule)
        if inject is None:
            yield Stage(name="injected", after=0.0, text="there is no way to", ok=False)
            return
        try:
            yield from self._follow(inject)
        finally:
            self.outbox.close()
            self.store.close()

    def _follow(self, inject: Inject) -> Iterator[Stage]:
        inject(self, False)
        inject(self, True)
        yield self._stage("injected")
        yield from self._until("firing", lambda: inject(self, True), firing=True)
        if not self.engine.alerts or not any(
            a.is_firing for a in self.engine.alerts.values()
        ):
            return
        yield from self._told("trigger")
        yield from self._until("resolved", lambda: inject(self, False), firing=False)
        if not any(a.is_firing for a in self.engine.alerts.values()):
            yield from self._told("resolve")

    def _stage(self, name: str, text: str = "", *, ok: bool = True) -> Stage:
        return Stage(name=name, after=self.now - self.began, text=text, ok=ok)

    def _until(
        self, name: str, keep_on: Callable[[], None], *, firing: bool
    ) -> Iterator[Stage]:
        started, was_pending = self.now, False
        while self.now - started < LONGEST_SECONDS:
            self.now += STEP
            keep_on()
            self._evaluate()
            states = {alert.status.state for alert in self.engine.alerts.values()}
            if firing and "pending" in states and not was_pending:
                was_pending = True
                yield self._stage("pending")
            if firing is ("firing" in states):
                text = next((a.text for a in self.engine.alerts.values() if a.text), "")
                yield self._stage(name, text if firing else "")
                return
        yield self._stage(name, "never", ok=False)

    def _evaluate(self) -> None:
        alerts = self.engine.evaluate(Stream(self.store), self.now)
        with self.book.writing() as page:
            self.engine.write(page, alerts, self.now)
        self.engine.accept()

    def _told(self, kind: str) -> Iterator[Stage]:
        """Send, and say of each channel what became of it."""
        self.outbox.deliver(self.book, self.now)
        with self.book.reading() as page:
            found: list[Delivery] = list(reversed(page.deliveries()))
        for channel in self.channels:
            mine = [d for d in found if d.channel == channel.name]
            sent = [d for d in mine if d.kind == kind]
            if sent:
                last = sent[-1]
                ok = last.state in (SENT, SUPPRESSED)
                yield self._stage(
                    f"{kind} to {channel.name}",
                    last.error or last.state + because(last),
                    ok=ok,
                )
            elif kind in channel.kinds and any(d.state == SENT for d in mine):
                yield self._stage(
                    f"{kind} to {channel.name}", "was not decided", ok=False
                )

    # What injections use.

    def put(
        self,
        name: str,
        labels: Mapping[str, str],
        write: Callable[..., None],
        at: float,
    ) -> None:
        """Write one point."""
        batch = Batch()
        write(batch.point(Series.of(name, labels), at))
        self.store.write(batch)

    def gauge(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """Write a reading of now."""
        self.put(name, labels, lambda point: point.set(value, self.now), self.now)

    def requests(
        self, status: str, seconds: float, count: int, at: float | None = None
    ) -> None:
        """Write requests to a route of the drill's."""
        labels = {ROUTE: WHERE, STATUS: status, "http.request.method": "GET"}

        def observe(point: object) -> None:
            for _ in range(count):
                point.observe(seconds)  # type: ignore[attr-defined]

        self.put(REQUESTS, labels, observe, self.now if at is None else at)


def because(delivery: Delivery) -> str:
    """The reason, where nothing was sent."""
    return f": {delivery.reason}" if delivery.state == SUPPRESSED else ""


def by_expression(rule: Rule) -> Inject | None:
    """How a rule of any project is made true and false again, by what it looks at."""
    expression = rule.expression
    if isinstance(expression, FailedShare):
        return lambda drill, bad: drill.requests(
            expression.prefix.ljust(3, "0") if bad else "200", 0.01, 10
        )
    if isinstance(expression, SlowShare):
        return lambda drill, bad: drill.requests(
            "200", 4 * expression.seconds if bad else 0.01, 10
        )
    if isinstance(expression, Gauge):
        return lambda drill, bad: drill.gauge(
            expression.name,
            {**dict.fromkeys(expression.by, WHERE), **expression.where},
            beyond(rule, bad=bad),
        )
    if isinstance(expression, BestOf):
        return lambda drill, bad: drill.gauge(
            expression.name,
            {expression.by: WHERE, expression.of: WHERE, **expression.where},
            beyond(rule, bad=bad),
        )
    if isinstance(expression, Increase):
        return lambda drill, bad: drill.put(
            expression.name,
            dict.fromkeys(expression.by, WHERE),
            lambda point: point.add(rule.threshold + 1 if bad else 0),
            drill.now,
        )
    return None


def beyond(rule: Rule, *, bad: bool) -> float:
    """A value on the wanted side of the limits."""
    clear = rule.threshold if rule.clear is None else rule.clear
    far = max(abs(rule.threshold), abs(clear), 1.0)
    if rule.unit == "share":
        far = min(far, (1 - rule.threshold) / 2 if bad != rule.below else clear / 2)
    limit = rule.threshold if bad else clear
    return limit - far if bad is rule.below else limit + far


def dead_endpoint(drill: Drill, bad: bool) -> None:
    """Really probe: a port where nobody listens, and one where somebody does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if not bad:
            listener.listen()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        found = Tcp(name=WHERE, address=address, timeout_seconds=1).probe()
    labels = {"probe": WHERE, "watcher": WHERE}
    drill.gauge("spotter.probe.success", labels, 0 if found.problem else 1)


def silent_process(drill: Drill, bad: bool) -> None:
    """A process that measured, and does not any more."""
    if not bad or drill.now == drill.began:
        drill.gauge("process.memory.usage", {"host.name": WHERE, "process.pid": "1"}, 1)


def job(kind_when_bad: str) -> Inject:
    """A job that reports failure, then success."""

    def inject(drill: Drill, bad: bool) -> None:
        kind = kind_when_bad if bad else SUCCESS
        with drill.book.writing() as page:
            page.ping(Ping(name=WHERE, kind=kind, at=drill.now, body={"size": 1}))

    return inject


def slow_statement(drill: Drill, bad: bool) -> None:
    """A statement that was fast for a week and is slow in the last hour."""
    labels = {"db.query.fingerprint": WHERE}

    def calls(seconds: float, count: int) -> Callable[..., None]:
        return lambda point: [point.observe(seconds) for _ in range(count)]  # type: ignore[return-value]

    if drill.now == drill.began and not bad:
        drill.put(
            "spotter.db.statement.duration", labels, calls(0.01, 200), drill.now - 7000
        )
    else:
        drill.put(
            "spotter.db.statement.duration",
            labels,
            calls(0.5 if bad else 0.001, 40),
            drill.now,
        )


def bad_release(drill: Drill, bad: bool) -> None:
    """A release after which a route fails."""
    if drill.now == drill.began and not bad:
        drill.requests("200", 0.01, 100, at=drill.now - 600)
        body = {"release": WHERE, "previous": "before"}
        sample = Sample(
            kind="deploy", key=WHERE, at=drill.now - 60, weight=1, body=body
        )
        drill.store.write(Batch(samples=[sample]))
    else:
        drill.requests("500" if bad else "200", 0.01, 30 if bad else 2000)


def failing_channel(drill: Drill, bad: bool) -> None:
    """A message that was tried in vain, then one that arrived."""
    with drill.book.writing() as page:
        if bad and drill.now == drill.began:
            page.decide(
                "0:drill:trigger:0", 0, WHERE, "trigger", state="failed",
                now=drill.now, reason="a drill",
            )  # fmt: skip
            page.run(
                "UPDATE spotter_outbox SET attempts = 9, error = 'drill' WHERE incident_id = 0"
            )
        elif not bad and drill.now != drill.began:
            page.run(
                "UPDATE spotter_outbox SET state = 'sent', error = '' WHERE incident_id = 0"
            )


INJECTIONS: dict[str, Inject] = {
    "HealthCheckFailing": dead_endpoint,
    "MonitoringNoData": silent_process,
    "BackupMissing": job(FAILURE),
    "HeartbeatMissing": job(FAILURE),
    "SlowQueryRegression": slow_statement,
    "DeployMadeItWorse": bad_release,
    "NotificationChannelFailing": failing_channel,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown(Channel):
    """Stands for a real channel, asks the same of it, and shows what it would send."""

    real: Channel
    show: Callable[[str, Notice], None]

    def send(self, notice: Notice) -> None:
        self.show(self.name, notice)

    def why_not(
        self, *, severity: str, environment: str, rules: Sequence[str], now: float
    ) -> str:
        return self.real.why_not(
            severity=severity, environment=environment, rules=rules, now=now
        )


def shown(
    channels: Sequence[Channel], show: Callable[[str, Notice], None]
) -> list[Channel]:
    """Channels that send nothing."""
    made: list[Channel] = []
    for each in channels:
        stand_in = Shown(
            name=each.name, severities=each.severities, environments=each.environments,
            hours=each.hours, timezone=each.timezone, real=each, show=show,
        )  # fmt: skip
        object.__setattr__(stand_in, "kinds", each.kinds)
        made.append(stand_in)
    return made
