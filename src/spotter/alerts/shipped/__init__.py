"""The rules that Spotter ships, with the limits of a usual service, one theme a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spotter.alerts.book import Book
from spotter.alerts.expressions import REQUESTS, ROUTE, STATUS
from spotter.alerts.heartbeats import Heartbeat
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import (
    dependencies,
    jobs,
    monitoring,
    releases,
    resources,
    statements,
    traffic,
)

__all__ = ["REQUESTS", "ROUTE", "STATUS", "shipped"]


def shipped(
    book: Callable[[], Book],
    heartbeats: Sequence[Heartbeat] = (),
    reports: Callable[[], Book] | None = None,
) -> list[Rule]:
    """
    Every rule of Spotter's own; the eight that every service needs come first.

    Args:
        book: where alerts and deliveries are.
        reports: where jobs report, when that is another.
    """
    return [
        *traffic.rules(),
        *dependencies.rules(),
        *resources.rules(),
        *monitoring.rules(book),
        *jobs.rules(reports or book, heartbeats),
        *statements.rules(),
        *releases.rules(),
    ]
