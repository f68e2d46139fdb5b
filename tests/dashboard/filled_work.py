"""Caches' servers and tasks of a believable day, for pages to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spotter.entries import Batch, Sample, Series

#: Task, system, how often a minute, seconds.
TASKS = (
    ("trainerhub.workflows.tasks.carry_out", "django", 12, 0.08),
    ("trainerhub.notifications.tasks.send", "celery", 30, 0.4),
    ("trainerhub.payments.tasks.settle", "celery", 4, 1.6),
)


def fill_caches(batch: Batch, at: float, minute: int, is_faulty: bool) -> None:
    """A Redis that two hosts share, a Memcached of one, the memory of two processes."""
    for host in ("web-1", "web-2"):
        of = {"cache.alias": "default", "host.name": host}
        fill_server(batch, at, of, memory=2.2e8 + 4e5 * (90 - minute), limit=2.68e8)
        count(batch, at, "evictions", of, 600 if is_faulty else 3)
        kind = {
            "cache.system": "redis",
            "cache.policy": "volatile-lru",
            "cache.scope": "shared",
        }
        gauge(batch, at, "server.policy", of | kind, 1)
        local = {"cache.alias": "rates", "host.name": host}
        count(batch, at, "culls", local, 1 if is_faulty else 0)
        count(batch, at, "evictions", local, 100 if is_faulty else 0)
        gauge(batch, at, "entries.limit", local, 300)
        for pid in (1201, 1202):
            gauge(
                batch, at + 50, "entries", {**local, "process.pid": pid}, 290 - minute
            )
    of = {"cache.alias": "sessions", "host.name": "web-1"}
    fill_server(batch, at, of, memory=5.1e7, limit=6.7e7)
    count(batch, at, "evictions", of, 0)
    kind = {"cache.system": "memcached", "cache.policy": "lru", "cache.scope": "host"}
    gauge(batch, at, "server.policy", of | kind, 1)


def fill_server(
    batch: Batch, at: float, of: dict[str, str], *, memory: float, limit: float
) -> None:
    """What one server says of itself."""
    gauge(batch, at, "server.up", of, 1)
    gauge(batch, at, "entries", of, memory / 1800)
    gauge(batch, at, "memory.usage", of, memory)
    gauge(batch, at, "memory.limit", of, limit)
    count(batch, at, "server.hits", of, 880)
    count(batch, at, "server.misses", of, 120)


def gauge(batch: Batch, at: float, name: str, labels: Any, value: float) -> None:
    """One reading, late in its minute."""
    at += 50
    batch.point(Series.of(f"spotter.cache.{name}", labels), at).set(value, at)


def count(batch: Batch, at: float, name: str, labels: Any, amount: float) -> None:
    """So much more."""
    batch.point(Series.of(f"spotter.cache.{name}", labels), at).add(amount)


def fill_tasks(
    batch: Batch, at: float, chance: Any, minute: int, is_faulty: bool
) -> None:
    """Tasks of both systems, and their queues."""
    for name, system, rate, seconds in TASKS:
        labels = {"task.system": system, "task.name": name}
        failed = rate // 3 if is_faulty and name.endswith("send") else 0
        events = {
            "queued": rate,
            "started": rate,
            "succeeded": rate - failed,
            "failed": failed,
            "retried": failed,
            "revoked": 0,
        }
        for event, number in events.items():
            series = Series.of("spotter.task.events", {**labels, "event": event})
            batch.point(series, at).add(number)
        for number in range(rate):
            took = {**labels, "outcome": "failed" if number < failed else "succeeded"}
            duration = batch.point(Series.of("spotter.task.duration", took), at)
            duration.observe(seconds * chance.lognormvariate(0, 0.4))
            wait = batch.point(Series.of("spotter.task.wait", labels), at)
            wait.observe((9 if is_faulty else 0.05) * chance.random())
    idle = {
        "task.system": "celery",
        "task.name": "trainerhub.reports.tasks.month",
        "event": "failed",
    }
    batch.point(Series.of("spotter.task.events", idle), at).add(0)
    fill_queues(batch, at, minute, is_faulty)


def fill_queues(batch: Batch, at: float, minute: int, is_faulty: bool) -> None:
    """What waits, more and more of it while a server of mail is down."""
    for system, queue, depth in (
        ("celery", "celery", 40 * (10 - minute) if is_faulty else 2),
        ("celery", "letters", 0),
        ("django", "default", 1),
    ):
        of = {"task.system": system, "queue": queue}
        batch.point(Series.of("spotter.task.queue.depth", of), at + 50).set(
            depth, at + 50
        )
        oldest = 720 if depth > 300 else 0.4 * depth
        batch.point(Series.of("spotter.task.queue.oldest", of), at + 50).set(
            oldest, at + 50
        )


def task_samples(now: float) -> Iterator[Sample]:
    """Attempts that failed, were retried, and one whose process was killed."""
    for number, (outcome, exception, duration) in enumerate(
        (
            ("failed", "smtplib.SMTPServerDisconnected", 4.1),
            ("retried", "smtplib.SMTPServerDisconnected", 3.2),
            ("failed", "billiard.exceptions.WorkerLostError", None),
        )
    ):
        name = TASKS[1][0]
        yield Sample(kind="task", key=name, at=now - 40 * number, weight=1004 - number, body={
            "system": "celery", "name": name, "id": f"c{number}", "attempt": number + 1, "outcome": outcome, "duration": duration,
            "wait": 0.4 if duration else None, "exception": exception, "request_id": "0f3a9c2e5b7d48160f3a9c2e5b7d4816" if duration else "",
        })  # fmt: skip
