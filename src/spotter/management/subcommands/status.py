"""`manage.py spotter status`: who watches, what fires, what waits to be sent."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from django.core.management.base import BaseCommand

from spotter.alerts.book import OPEN, PENDING, RESOLVED, Book, Incident
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
    """Nothing."""


def book() -> Book:
    """The book of the store that the settings name, or the watcher's own meanwhile."""
    store = get_store()
    if not isinstance(store, SqlStore):
        raise SpotterError("This store keeps no alerts.")
    return current(store, time.time())


def run(command: BaseCommand, **options: object) -> bool:
    """Print it; False when no watcher has been heard of lately."""
    now = time.time()
    with book().reading() as page:
        leader, alerts = page.leader(), page.alerts()
        incidents = page.incidents((OPEN, "acknowledged"))
        over = page.incidents((RESOLVED,), since=now - LATELY_SECONDS, limit=1000)
        muted = [s for s in page.silences(now) if s.is_on(now)]
        shut = page.shut_channels()
        waiting = [d for d in page.deliveries(limit=500) if d.state == PENDING]
    is_watched = leader is not None and leader[1] > now
    write = command.stdout.write
    if leader is not None and is_watched:
        write(f"watched by {leader[0]}")
    else:
        write("NOBODY WATCHES: start `manage.py spotter watch`")
    for incident in incidents:
        write(
            f"incident {incident.id} {incident.state}, {incident.severity}, since "
            f"{clock(incident.opened_at)}: {incident.title}"
        )
    for alert in alerts.values():
        if alert.is_firing:
            write(f"  firing {alert.rule}: {alert.text}")
    for each in waiting:
        why = f" ({each.error})" if each.error else ""
        write(f"waiting {each.channel} {each.kind}, {ago(now - each.created_at)}{why}")
    for name, refusal in shut.items():
        write(f"{name} IS SHUT since {clock(refusal.at)}: {refusal.reason}")
        write(f"  when it is mended: manage.py spotter notify {name}")
    if not incidents:
        write("no open incident")
    write(f"{len(muted)} silences: see `manage.py spotter silence list`")
    write(lacking(over))
    return is_watched


def lacking(over: Sequence[Incident]) -> str:
    """How many incidents are over and nobody has written what they were."""
    found = [str(each.id) for each in over if each.needs_resolution]
    if not found:
        return "no incident needs a resolution"
    which = ", ".join(found[:10]) + (" …" if len(found) > 10 else "")
    return f"{len(found)} incidents need a resolution: {which}"
