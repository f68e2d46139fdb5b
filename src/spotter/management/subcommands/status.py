"""`manage.py spotter status`: who watches, what fires, what waits to be sent."""

from __future__ import annotations

import argparse
import time

from django.core.management.base import BaseCommand

from spotter.alerts.book import OPEN, PENDING, Book
from spotter.channels.notice import clock
from spotter.dashboard.format import ago
from spotter.exceptions import SpotterError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

HELP = "who watches, what fires, what waits to be sent; exit 1 when nobody watches"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing."""


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
    return is_watched
