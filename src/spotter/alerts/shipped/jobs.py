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
    backups = [each for each in heartbeats if each.is_backup]
    others = [each for each in heartbeats if not each.is_backup]
    return [
        *(
            Rule(
                name=name,
                expression=Asked(functools.partial(problems, book, wanted)),
                every=30.0,
                severity=severity,
                summary="{note}",
            )
            for name, severity, wanted in (
                ("BackupMissing", Severity.CRITICAL, backups),
                ("HeartbeatMissing", Severity.WARNING, others),
            )
        ),
        Rule(
            name="TaskQueueStuck",
            expression=Gauge(name="spotter.task.queue.oldest", by=("queue",)),
            threshold=10 * MINUTE,
            for_=MINUTE,
            unit="seconds",
            summary="A task of the queue {labels} has waited for {value}",
            because_of=("DatabaseDown",),
        ),
    ]


def problems(
    book: Callable[[], Book], heartbeats: Sequence[Heartbeat], now: float
) -> list[Reading]:
    """1 for a job with which something is wrong, else 0."""
    if not heartbeats:
        return []
    with book().reading() as page:
        found = missing(page, heartbeats, now)
    return [
        Reading(labels={"job": name}, value=float(bool(text)), note=text)
        for name, (_, text) in found.items()
    ]
