"""The rules that Spotter ships, with the limits of a usual service."""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Callable, Mapping, Sequence

from spotter.alerts.book import Book
from spotter.alerts.expressions import (
    Computed,
    FailedShare,
    Gauge,
    Increase,
    Reading,
    Reads,
    SlowShare,
    ask,
)
from spotter.alerts.heartbeats import Heartbeat, missing
from spotter.alerts.rules import Rule, Severity
from spotter.entries import Point
from spotter.stores.contract import Query

REQUESTS = "http.server.request.duration"
ROUTE, STATUS = "http.route", "http.response.status_code"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
#: Deliveries that fail for so long make an alert of their own.
FAILING_SECONDS, FAILING_TRIES = 900.0, 3
CAUSES = ("DatabaseDown", "CacheDown")


def shipped(
    book: Callable[[], Book], heartbeats: Sequence[Heartbeat] = ()
) -> list[Rule]:
    """Every rule of Spotter's own; the spec's eight come first."""
    return [
        *traffic(),
        *dependencies(),
        *resources(),
        *monitoring(book),
        *jobs(book, heartbeats),
        *changes(),
    ]


def traffic() -> list[Rule]:
    """Errors and slowness, as users meet them."""
    return [
        Rule(
            name="HighErrorRate",
            expression=FailedShare(name=REQUESTS, label=STATUS, prefix="5", window=5 * MINUTE),
            threshold=0.01,
            clear=0.005,
            for_=MINUTE,
            severity=Severity.CRITICAL,
            unit="share",
            summary="{value} of requests fail ({note} in 5 min)",
            because_of=(*CAUSES, "DiskSpaceLow"),
            no_data_after=15 * MINUTE,
        ),
        Rule(
            # What the volume that the first rule asks for would hide.
            name="HighErrorRateLowTraffic",
            expression=FailedShare(
                name=REQUESTS, label=STATUS, prefix="5", window=HOUR, at_least=3
            ),
            threshold=0.4999,
            clear=0.25,
            for_=MINUTE,
            severity=Severity.CRITICAL,
            unit="share",
            summary="{value} of requests fail ({note} in an hour)",
            because_of=(*CAUSES, "HighErrorRate"),
        ),
        Rule(
            name="SlowResponses",
            expression=SlowShare(name=REQUESTS, seconds=2.0, window=5 * MINUTE),
            threshold=0.05,
            clear=0.03,
            for_=2 * MINUTE,
            unit="share",
            summary="p95 is over 2 s: {note}",
            because_of=CAUSES,
        ),
    ]  # fmt: skip


def dependencies() -> list[Rule]:
    """What the service stands on, asked by the watcher itself."""
    return [
        Rule(
            name="HealthCheckFailing",
            expression=Computed(agreed),
            threshold=0.5,
            below=True,
            # Two probes before shouting.
            for_=10.0,
            severity=Severity.CRITICAL,
            summary="{labels} does not answer as it should",
            because_of=("DatabaseDown",),
            no_data_after=5 * MINUTE,
        ),
        *(
            Rule(
                name=name,
                expression=Gauge(name="spotter.health_check.up", by=("check",), where={"kind": kind}),
                threshold=0.5,
                below=True,
                for_=10.0,
                severity=Severity.CRITICAL,
                summary=f"The {kind} can't be used: the check {{labels}} fails",
                no_data_after=5 * MINUTE,
            )
            for name, kind in (("DatabaseDown", "database"), ("CacheDown", "cache"))
        ),
        Rule(
            name="CertificateExpiring",
            expression=Gauge(name="spotter.probe.tls.expiry", by=("probe",), window=HOUR),
            threshold=14 * DAY,
            clear=15 * DAY,
            below=True,
            every=MINUTE,
            unit="days",
            summary="The certificate of {labels} expires in {value}",
        ),
    ]  # fmt: skip


def resources() -> list[Rule]:
    """Hosts, or the containers' limits."""
    mount = ("host.name", "system.filesystem.mountpoint")
    return [
        Rule(
            name="DiskSpaceLow",
            expression=Gauge(name="system.filesystem.utilization", by=mount),
            threshold=0.8,
            clear=0.78,
            for_=5 * MINUTE,
            unit="share",
            summary="{value} of the disk {labels} is used: less than 20 % is free",
        ),
        Rule(
            name="HighMemory",
            expression=Gauge(name="system.memory.utilization", by=("host.name",)),
            threshold=0.8,
            clear=0.75,
            for_=5 * MINUTE,
            unit="share",
            summary="{value} of the memory of {labels} is used",
        ),
        Rule(
            name="HighCPU",
            expression=Gauge(
                name="system.cpu.utilization", by=("host.name",), window=5 * MINUTE, mean=True
            ),
            threshold=0.8,
            clear=0.7,
            for_=5 * MINUTE,
            unit="share",
            summary="{value} of the CPU of {labels} is in use, for ten minutes",
        ),
    ]  # fmt: skip


def monitoring(book: Callable[[], Book]) -> list[Rule]:
    """Whether what watches works."""
    return [
        Rule(
            name="MonitoringNoData",
            expression=Computed(silence),
            threshold=5 * MINUTE,
            severity=Severity.CRITICAL,
            unit="seconds",
            summary="Monitoring is blind: {note}",
            because_of=("HealthCheckFailing",),
        ),
        Rule(
            name="NotificationChannelFailing",
            expression=Computed(lambda source, now: failing(book(), now)),
            threshold=FAILING_TRIES - 1,
            severity=Severity.CRITICAL,
            summary="Messages to {labels} are not delivered: {note}",
        ),
        Rule(
            name="LogLinesDropped",
            expression=Increase(name="spotter.logs.lost", window=15 * MINUTE, by=("file",)),
            severity=Severity.WARNING,
            summary="{value} log lines of {labels} could not be written",
            because_of=("DiskSpaceLow",),
        ),
    ]  # fmt: skip


def jobs(book: Callable[[], Book], heartbeats: Sequence[Heartbeat]) -> list[Rule]:
    """What runs by itself, and must."""
    return [
        *(
            Rule(
                name=name,
                expression=Computed(
                    lambda source, now, wanted=wanted: [  # type: ignore[misc]
                        Reading(labels={"job": job}, value=float(bool(text)), note=text)
                        for job, text in problems(book(), wanted, now)
                    ]
                ),
                every=30.0,
                severity=severity,
                summary="{note}",
            )
            for name, severity, wanted in (
                ("BackupMissing", Severity.CRITICAL, [h for h in heartbeats if h.is_backup]),
                ("HeartbeatMissing", Severity.WARNING, [h for h in heartbeats if not h.is_backup]),
            )
        ),
        Rule(
            name="TaskQueueStuck",
            # Django's and Celery's queues may well have the same name.
            expression=Gauge(name="spotter.task.queue.oldest", by=("queue", "task.system")),
            threshold=10 * MINUTE,
            for_=MINUTE,
            unit="seconds",
            summary="A task of the queue {labels} has waited for {value}",
            because_of=("DatabaseDown",),
        ),
    ]  # fmt: skip


def changes() -> list[Rule]:
    """What is worse than it was."""
    return [
        Rule(
            name="SlowQueryRegression",
            expression=Computed(slower_statements),
            threshold=3.0,
            every=5 * MINUTE,
            severity=Severity.INFO,
            summary="A query takes {value} times what it took last week: {note}",
        ),
        Rule(
            name="DeployMadeItWorse",
            expression=Computed(worse_routes),
            threshold=0.5,
            every=MINUTE,
            severity=Severity.WARNING,
            summary="{note}",
            because_of=CAUSES,
        ),
    ]


def agreed(source: Reads, now: float) -> Sequence[Reading]:
    """1 for a monitor unless every watcher that probes it says 0."""
    best: dict[str, float] = {}
    found = ask(source, "spotter.probe.success", now, 45.0, by=("probe", "watcher"))
    for (probe, _), point in found.items():
        if point.count:
            best[probe] = max(best.get(probe, 0.0), point.last)
    return [Reading(labels={"probe": p}, value=value) for p, value in best.items()]


def silence(source: Reads, now: float) -> Sequence[Reading]:
    """How long no process but the watcher has measured anything, in seconds."""
    by = ("host.name", "process.pid")
    found = ask(source, "process.memory.usage", now, HOUR, by=by)
    me = (socket.gethostname(), str(os.getpid()))
    last = max((p.last_at for group, p in found.items() if group != me), default=0.0)
    if not last:
        # Whatever was there is long gone; a service that never measured is no news.
        return []
    age = max(0.0, now - last)
    note = f"no process has measured anything for {age / 60:.0f} min"
    return [Reading(value=age, note=note)]


def failing(book: Book, now: float) -> Sequence[Reading]:
    """How often each channel failed without a success since."""
    with book.reading() as page:
        found = page.recent_failures(now - FAILING_SECONDS)
        known = {each.channel for each in page.deliveries(limit=100)}
    tries = {channel: (count, error) for channel, count, error in found}
    return [
        Reading(
            labels={"channel": channel},
            value=float(tries.get(channel, (0, ""))[0]),
            note=tries.get(channel, (0, ""))[1],
        )
        for channel in sorted(known | set(tries))
    ]


def problems(
    book: Book, heartbeats: Sequence[Heartbeat], now: float
) -> list[tuple[str, str]]:
    """Jobs and what is wrong with each."""
    if not heartbeats:
        return []
    with book.reading() as page:
        found = missing(page, heartbeats, now)
    return [(name, text) for name, (_, text) in found.items()]


def slower_statements(source: Reads, now: float) -> Sequence[Reading]:
    """Statements whose mean of the last hour is a multiple of the week's before."""
    name, by = "spotter.db.statement.duration", ("db.query.fingerprint",)
    hour = ask(source, name, now, HOUR, by=by)
    slow = {g: p for g, p in hour.items() if p.count >= 20 and p.mean > 0.1}
    if not slow:
        return [
            Reading(labels={"fingerprint": g[0]}, value=0.0) for g in list(hour)[:1]
        ]
    week = source.total(
        Query(
            name=name,
            start=now - 7 * DAY,
            end=now - HOUR,
            by=by,
            buckets=False,
            where={by[0]: tuple(group[0] for group in slow)},
        )
    )
    return [
        Reading(
            labels={"fingerprint": group[0]},
            value=point.mean / week[group].mean,
            note=f"{1000 * point.mean:.0f} ms instead of {1000 * week[group].mean:.0f} ms",
        )
        for group, point in slow.items()
        if group in week and week[group].count >= 100 and week[group].mean > 0
    ]


@dataclasses.dataclass(slots=True)
class Side:
    """One route before or after a release."""

    requests: float = 0
    errors: float = 0
    seconds: float = 0.0

    @property
    def share(self) -> float:
        """Of requests that failed."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def mean(self) -> float:
        """Of the duration, in seconds."""
        return self.seconds / self.requests if self.requests else 0.0


def worse_routes(source: Reads, now: float) -> Sequence[Reading]:
    """Routes that fail or take much more since the last release, of half an hour."""
    deploys = source.samples("deploy", since=now - HOUR / 2, limit=50)
    marks = [each for each in deploys if each.body.get("previous")]
    if not marks:
        return []
    release = marks[0].key
    at = min(each.at for each in marks if each.key == release)
    before, after = sides(source, at - HOUR, at), sides(source, at, now)
    readings = []
    for route, new in after.items():
        text = worse(route, before.get(route, Side()), new)
        note = f"Since {release}: {text}" if text else ""
        readings.append(
            Reading(labels={"route": route}, value=float(bool(text)), note=note)
        )
    return readings


def worse(route: str, old: Side, new: Side) -> str:
    """How a route got worse; "" when it did not, or too little is known."""
    if new.requests < 20 or old.requests < 20:
        return ""
    if new.errors >= 3 and new.share > max(0.02, 5 * old.share):
        return (
            f"{100 * new.share:.2g} % of {route} fail, before {100 * old.share:.2g} %"
        )
    if new.mean > 0.3 and new.mean > 2 * old.mean:
        return f"{route} takes {new.mean:.2f} s on average, before {old.mean:.2f} s"
    return ""


def sides(source: Reads, start: float, end: float) -> Mapping[str, Side]:
    """Every route in a stretch of time."""
    found: dict[str, Side] = {}
    points: Mapping[tuple[str, ...], Point] = source.total(
        Query(name=REQUESTS, start=start, end=end, by=(ROUTE, STATUS), buckets=False)
    )
    for (route, status), point in points.items():
        side = found.setdefault(route, Side())
        side.requests += point.count
        side.seconds += point.sum
        side.errors += point.count if status.startswith("5") else 0
    return found
