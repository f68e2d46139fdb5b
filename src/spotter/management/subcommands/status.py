"""`manage.py spotter status`: who watches, what fires, what waits to be sent."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from django.core.management.base import BaseCommand

from spotter.alerts.book import OPEN, PENDING, Alert, Book, Delivery, Incident
from spotter.alerts.drilled import overdue
from spotter.channels.notice import clock
from spotter.dashboard.format import ago
from spotter.exceptions import SpotterError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

HELP = "who watches, what fires, what waits to be sent; exit 1 when nobody watches"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """In which form."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def book() -> Book:
    """The book of the store that the settings name."""
    store = get_store()
    if not isinstance(store, SqlStore):
        raise SpotterError("This store keeps no alerts.")
    return Book(store)


def run(command: BaseCommand, **options: object) -> bool:
    """Print it; False when no watcher has been heard of lately."""
    now = time.time()
    with book().reading() as page:
        leader, alerts = page.leader(), page.alerts()
        incidents = page.incidents((OPEN, "acknowledged"))
        waiting = [d for d in page.deliveries(limit=500) if d.state == PENDING]
    undrilled = overdue(book(), now)
    watched_by = leader[0] if leader is not None and leader[1] > now else ""
    firing = [alert for alert in alerts.values() if alert.is_firing]
    if options["json"]:
        found = as_json(watched_by, incidents, firing, waiting, undrilled)
        command.stdout.write(orjson.dumps(found).decode())
        return bool(watched_by)
    for line in lines(watched_by, incidents, firing, waiting, now):
        command.stdout.write(line)
    if undrilled:
        command.stdout.write(
            f"not drilled for 90 days: {', '.join(undrilled)}: "
            "`manage.py spotter drill --all`"
        )
    return bool(watched_by)


def lines(
    watched_by: str,
    incidents: Sequence[Incident],
    firing: Sequence[Alert],
    waiting: Sequence[Delivery],
    now: float,
) -> Iterator[str]:
    """What people read."""
    if watched_by:
        yield f"watched by {watched_by}"
    else:
        yield "NOBODY WATCHES: start `manage.py spotter watch`"
    for incident in incidents:
        yield (
            f"incident {incident.id} {incident.state}, {incident.severity}, since "
            f"{clock(incident.opened_at)}: {incident.title}"
        )
    for alert in firing:
        yield f"  firing {alert.rule}: {alert.text}"
    for each in waiting:
        why = f" ({each.error})" if each.error else ""
        yield f"waiting {each.channel} {each.kind}, {ago(now - each.created_at)}{why}"
    if not incidents:
        yield "no open incident"


def as_json(
    watched_by: str,
    incidents: Sequence[Incident],
    firing: Sequence[Alert],
    waiting: Sequence[Delivery],
    undrilled: Sequence[str],
) -> dict[str, Any]:
    """The same for programs; times are Unix seconds."""
    return {
        "watched_by": watched_by or None,
        "incidents": [
            {
                "id": each.id, "state": each.state, "severity": each.severity,
                "opened_at": each.opened_at, "title": each.title,
            }
            for each in incidents
        ],
        "firing": [
            {"rule": a.rule, "labels": dict(a.labels), "text": a.text} for a in firing
        ],
        "waiting": [
            {
                "channel": each.channel, "kind": each.kind,
                "created_at": each.created_at, "attempts": each.attempts, "error": each.error,
            }
            for each in waiting
        ],
        "not_drilled": list(undrilled),
    }  # fmt: skip
