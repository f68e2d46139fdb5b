"""What runs by itself, and must."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from spotter.alerts.book import Book
from spotter.alerts.expressions import MINUTE, Asked, Gauge, Reading
from spotter.alerts.heartbeats import Heartbeat, missing
from spotter.alerts.rules import Rule, Severity


def rules(book: Callable[[], Book], heartbeats: Sequence[Heartbeat]) -> list[Rule]:
    """Backups, other jobs, the task queue."""
    return [
        *(
            Rule(
                name=name,
                expression=Asked(
                    functools.partial(problems, book, heartbeats, is_backup)
                ),
                every=30.0,
                severity=severity,
                summary="{note}",
            )
            for name, severity, is_backup in (
                ("BackupMissing", Severity.CRITICAL, True),
                ("HeartbeatMissing", Severity.WARNING, False),
            )
        ),
        Rule(
            name="TaskQueueStuck",
            # Django's and Celery's queues may well have the same name.
            expression=Gauge(
                name="spotter.task.queue.oldest", by=("queue", "task.system")
            ),
            threshold=10 * MINUTE,
            for_=MINUTE,
            unit="seconds",
            summary="A task of the queue {labels} has waited for {value}",
            because_of=("DatabaseDown",),
        ),
    ]


def problems(
    book: Callable[[], Book],
    heartbeats: Sequence[Heartbeat],
    is_backup: bool,
    now: float,
) -> list[Reading]:
    """1 for a job with which something is wrong, else 0: of the settings and the store."""
    with book().reading() as page:
        found = missing(page, heartbeats, now)
    return [
        Reading(labels={"job": name}, value=float(bool(text)), note=text)
        for name, (job, text) in found.items()
        if job.heartbeat.is_backup is is_backup
    ]
