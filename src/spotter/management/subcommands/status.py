"""`manage.py spotter status`: who watches, what fires, what waits to be sent."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from django.core.management.base import BaseCommand

from spotter.alerts.book import Book
from spotter.alerts.drilled import overdue
from spotter.alerts.records import (
    ACKNOWLEDGED,
    OPEN,
    PENDING,
    RESOLVED,
    Alert,
    Delivery,
    Incident,
    Shut,
    Silence,
)
from spotter.alerts.spare import current
from spotter.channels.notice import clock
from spotter.dashboard.format import ago
from spotter.exceptions import SpotterError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

#: How far back what lacks a resolution is looked for.
LATELY_SECONDS = 90 * 86400.0
HELP = "who watches, what fires, what waits to be sent; exit 1 when nobody watches"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """In which form."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def book() -> Book:
    """The book of the store that the settings name, or the watcher's own meanwhile."""
    store = get_store()
    if not isinstance(store, SqlStore):
        raise SpotterError("This store keeps no alerts.")
    return current(store, time.time())


def run(command: BaseCommand, **options: object) -> bool:
    """Print it; False when no watcher has been heard of lately."""
    status = read(book(), time.time())
    if options["json"]:
        command.stdout.write(orjson.dumps(as_json(status)).decode())
    else:
        for line in lines(status):
            command.stdout.write(line)
    return bool(status.watched_by)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """
    How alerting stands.

    Args:
        watched_by: the leading watcher; "" for none.
        lacking: numbers of incidents that are over and lack a resolution.
        shut: channels that are told nothing any more, by name.
        undrilled: rules that nobody has drilled for too long.
    """

    now: float
    watched_by: str
    incidents: Sequence[Incident]
    firing: Sequence[Alert]
    waiting: Sequence[Delivery]
    lacking: Sequence[int]
    silences: Sequence[Silence]
    shut: Mapping[str, Shut]
    undrilled: Sequence[str]


def read(book: Book, now: float) -> Status:
    """Look into the book."""
    undrilled = overdue(book, now)
    with book.reading() as page:
        leader = page.leader()
        over = page.incidents((RESOLVED,), since=now - LATELY_SECONDS, limit=1000)
        return Status(
            now=now,
            watched_by=leader[0] if leader is not None and leader[1] > now else "",
            incidents=page.incidents((OPEN, ACKNOWLEDGED)),
            firing=[alert for alert in page.alerts().values() if alert.is_firing],
            waiting=[d for d in page.deliveries(limit=500) if d.state == PENDING],
            lacking=[each.id for each in over if each.needs_resolution],
            silences=[s for s in page.silences(now) if s.is_on(now)],
            shut=page.shut_channels(),
            undrilled=undrilled,
        )


def lines(status: Status) -> Iterator[str]:
    """What people read."""
    if status.watched_by:
        yield f"watched by {status.watched_by}"
    else:
        yield "NOBODY WATCHES: start `manage.py spotter watch`"
    for incident in status.incidents:
        yield (
            f"incident {incident.id} {incident.state}, {incident.severity}, since "
            f"{clock(incident.opened_at)}: {incident.title}"
        )
    if not status.incidents:
        yield "no open incident"
    for alert in status.firing:
        yield f"  firing {alert.rule}: {alert.text}"
    for each in status.waiting:
        why = f" ({each.error})" if each.error else ""
        age = ago(status.now - each.created_at)
        yield f"waiting {each.channel} {each.kind}, {age}{why}"
    for name, shut in status.shut.items():
        yield f"{name} IS SHUT since {clock(shut.at)}: {shut.reason}"
        yield f"  when it is mended: manage.py spotter notify {name}"
    if status.silences:
        yield f"{len(status.silences)} silences: see `manage.py spotter silence list`"
    yield lacking(status.lacking)
    if status.undrilled:
        yield (
            f"not drilled for 90 days: {', '.join(status.undrilled)}: "
            "`manage.py spotter drill --all`"
        )


def lacking(found: Sequence[int]) -> str:
    """How many incidents are over and nobody has written what they were."""
    if not found:
        return "no incident needs a resolution"
    which = ", ".join(map(str, found[:10])) + (" …" if len(found) > 10 else "")
    return f"{len(found)} incidents need a resolution: {which}"


def as_json(status: Status) -> dict[str, Any]:
    """The same for programs; times are Unix seconds."""
    return {
        "watched_by": status.watched_by or None,
        "incidents": [
            {
                "id": each.id, "state": each.state, "severity": each.severity,
                "opened_at": each.opened_at, "title": each.title,
            }
            for each in status.incidents
        ],
        "firing": [
            {"rule": a.rule, "labels": dict(a.labels), "text": a.text}
            for a in status.firing
        ],
        "waiting": [
            {
                "channel": each.channel, "kind": each.kind,
                "created_at": each.created_at, "attempts": each.attempts, "error": each.error,
            }
            for each in status.waiting
        ],
        "need_resolution": list(status.lacking),
        "silences": len(status.silences),
        "shut": {name: each.reason for name, each in status.shut.items()},
        "not_drilled": list(status.undrilled),
    }  # fmt: skip
