"""
Drills in a time of their own: hours pass in a moment, and nothing is broken.

What is put into a store of the drill's own is what the recorders would put there; from
then on the rule, the engine, routing and channels are the real ones. For rules whose
fault can't be made at its source, and for who has no server at hand.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence

from spotter.alerts.book import Book
from spotter.alerts.expressions import (
    REQUESTS,
    ROUTE,
    STATUS,
    BestOf,
    FailedShare,
    Gauge,
    Increase,
    SlowShare,
)
from spotter.alerts.heartbeats import FAILURE, SUCCESS, Heartbeat
from spotter.alerts.probing import BELIEVED
from spotter.alerts.records import Ping
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.drills.drill import Undrillable
from spotter.entries import Batch, Sample, Series
from spotter.probes import Tcp
from spotter.stores.sqlite import MEMORY, SqliteStore

#: How often it evaluates, in seconds of its own clock.
STEP = 5.0
#: More than any rule waits or keeps firing.
LONGEST_SECONDS = 3 * 3600.0
WHERE = "drill"
#: Rules that read the book: here they read the drill's.
READ_BOOK = ("BackupMissing", "HeartbeatMissing", "NotificationChannelFailing")

Inject = Callable[["Simulated", bool], None]


class Stream:
    """What rules ask: the drill's own store."""

    def __init__(self, store: SqliteStore) -> None:
        self.total = store.total
        self.written_at = store.written_at
        self._store = store

    def samples(self, kind: str, *, since: float, limit: int) -> Sequence[Sample]:
        """As a store's."""
        return self._store.samples(kind, since=since, limit=limit)


class Simulated:
    """A world with a store, a book and a clock of its own."""

    form = "simulated"
    patience = LONGEST_SECONDS
    delivery_seconds = 0.0

    def __init__(self, rule: Rule, why: str = "") -> None:
        inject = INJECTIONS.get(rule.name) or by_expression(rule)
        if inject is None:
            raise Undrillable("there is no way to make it true: it computes something")
        self._inject = inject
        self.how = f"simulated{f': {why}' if why else ''}, in a time of its own"
        self.began = self.now = float(int(time.time()))
        self.store = SqliteStore(MEMORY, lambda: self.now)
        self.book = Book(self.store)
        self.source = Stream(self.store)
        self.rule = self._own(rule)

    def _own(self, rule: Rule) -> Rule:
        jobs = [
            Heartbeat(
                name=WHERE, every_seconds=60, is_backup=rule.name == "BackupMissing"
            )
        ]
        own = {each.name: each for each in shipped(lambda: self.book, jobs)}
        return own[rule.name] if rule.name in READ_BOOK else rule

    def inject(self, bad: bool) -> None:
        """Write what recorders would write of a fault, or of its end."""
        self._inject(self, bad)

    def let_time_pass(self) -> None:
        """One step of its own clock."""
        self.now += STEP

    def hurry(self) -> None:
        """Nobody waits here."""

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

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
    if isinstance(expression, BestOf):
        return lambda drill, bad: observed(drill, rule, expression, bad)
    if isinstance(expression, Gauge):
        return lambda drill, bad: drill.gauge(
            expression.name,
            {**dict.fromkeys(expression.by, WHERE), **expression.where},
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


def observed(drill: Simulated, rule: Rule, expression: BestOf, bad: bool) -> None:
    """What one observer sees, and that it has seen it often enough."""
    labels = {expression.by: WHERE, expression.of: WHERE, **expression.where}
    drill.gauge(expression.name, labels, beyond(rule, bad=bad))
    if expression.failures:
        drill.gauge(expression.failures, labels, expression.believed if bad else 0)


def beyond(rule: Rule, *, bad: bool) -> float:
    """A value on the wanted side of the limits."""
    clear = rule.threshold if rule.clear is None else rule.clear
    far = max(abs(rule.threshold), abs(clear), 1.0)
    if rule.unit == "share":
        far = min(far, (1 - rule.threshold) / 2 if bad != rule.below else clear / 2)
    limit = rule.threshold if bad else clear
    return limit - far if bad is rule.below else limit + far


def dead_endpoint(drill: Simulated, bad: bool) -> None:
    """Really probe: a port where nobody listens, and one where somebody does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if not bad:
            listener.listen()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        found = Tcp(name=WHERE, address=address, timeout_seconds=1).probe()
    labels = {"probe": WHERE, "watcher": WHERE}
    drill.gauge("spotter.probe.success", labels, 0 if found.problem else 1)
    drill.gauge("spotter.probe.failures", labels, BELIEVED if found.problem else 0)


def silent_process(drill: Simulated, bad: bool) -> None:
    """A process that measured, and does not any more."""
    if not bad or drill.now == drill.began:
        drill.gauge("process.memory.usage", {"host.name": WHERE, "process.pid": "1"}, 1)


def job(kind_when_bad: str) -> Inject:
    """A job that reports failure, then success."""

    def inject(drill: Simulated, bad: bool) -> None:
        kind = kind_when_bad if bad else SUCCESS
        with drill.book.writing() as page:
            page.ping(Ping(name=WHERE, kind=kind, at=drill.now, body={"size": 1}))

    return inject


def slow_statement(drill: Simulated, bad: bool) -> None:
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


def bad_release(drill: Simulated, bad: bool) -> None:
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


def failing_channel(drill: Simulated, bad: bool) -> None:
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
