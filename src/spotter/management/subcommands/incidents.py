"""`manage.py spotter incidents`: list them, or show one; as Markdown if asked."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence

from django.core.management.base import BaseCommand

from spotter.alerts import chronicle
from spotter.alerts.book import Book
from spotter.alerts.evidence import kept
from spotter.alerts.postmortem import impact, markdown
from spotter.alerts.records import ACKNOWLEDGED, OPEN, RESOLVED, Incident
from spotter.alerts.rules import Severity
from spotter.channels.notice import clock
from spotter.dashboard.format import seconds
from spotter.entries import Sample
from spotter.exceptions import SpotterError
from spotter.logs.reading.times import duration
from spotter.management.subcommands.status import book
from spotter.stores.contract import StoreError

HELP = "list the incidents, or show one; exit 1 when there is none"
STATES = (OPEN, ACKNOWLEDGED, RESOLVED, "unresolved")
MOST = 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One incident, or which."""
    parser.add_argument("id", nargs="?", help="the number of one; a list without")
    parser.add_argument(
        "--markdown", action="store_true", help="print one as a Markdown document"
    )
    parser.add_argument(
        "--state",
        choices=STATES,
        help="only those; unresolved: over, and nobody wrote what it was",
    )
    parser.add_argument("--severity", choices=[str(each) for each in Severity])
    parser.add_argument("--rule", help="only those in which this rule fired")
    parser.add_argument(
        "--since", default="30d", metavar="AGE", help="how far back (default: 30d)"
    )


def run(
    command: BaseCommand,
    *,
    id: str | None = None,
    markdown: bool = False,
    since: str = "30d",
    **options: object,
) -> bool:
    """Print; False when there is none."""
    now, found = time.time(), book()
    if id is not None:
        return show(command, found, number(id), now, as_markdown=markdown)
    if markdown:
        raise SpotterError("--markdown is for one incident: give its number.")
    start = now - duration(since).total_seconds()
    with found.reading() as page:
        incidents = page.incidents(since=start, limit=MOST)
    shown = [each for each in incidents if is_asked_for(each, options)]
    for each in shown:
        command.stdout.write(line(each, now))
    numbers = chronicle.statistics(shown, now)
    command.stdout.write(
        f"{numbers.incidents} incidents, {numbers.open} open, {numbers.lacking} need a "
        f"resolution; mean time to acknowledge {seconds(numbers.mtta)}, to resolve "
        f"{seconds(numbers.mttr)}"
    )
    return bool(shown)


def number(text: str) -> int:
    """An incident's number as it was typed."""
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise SpotterError(
            f"{text!r} is no number of an incident: `spotter incidents` lists them."
        )
    return int(text)


def is_asked_for(incident: Incident, options: dict[str, object]) -> bool:
    """Whether the options let it through."""
    state, severity = options.get("state"), options.get("severity")
    if state == "unresolved":
        if not incident.needs_resolution:
            return False
    elif state and incident.state != state:
        return False
    rule = options.get("rule")
    return (not severity or incident.severity == severity) and (
        not rule or rule in incident.rules
    )


def line(incident: Incident, now: float) -> str:
    """One incident in a line."""
    lasted = seconds((incident.resolved_at or now) - incident.opened_at)
    lacks = ", needs a resolution" if incident.needs_resolution else ""
    return (
        f"{incident.id}  {clock(incident.opened_at)}  {incident.state}{lacks}  "
        f"{incident.severity}  {lasted}  {incident.title}"
    )


def show(
    command: BaseCommand, found: Book, id_: int, now: float, *, as_markdown: bool
) -> bool:
    """One incident, in short or as a document."""
    with found.reading() as page:
        incident = page.incident(id_)
        if incident is None:
            raise SpotterError(f"There is no incident {id_}.")
        events, deliveries = page.events(id_), page.deliveries(id_)
        pieces = kept(page, id_)
    timeline = chronicle.timeline(incident, events, deploys(found, incident), now)
    write = command.stdout.write
    if as_markdown:
        met = impact(found.store, incident, now)
        write(markdown(incident, timeline, pieces, deliveries, met, now), ending="")
        return True
    write(line(incident, now))
    for piece in pieces:
        write(f"  {piece.name}: {piece.text}")
    for event in timeline:
        by = f" by {event.actor}" if event.actor else ""
        said = "" if event.text == event.kind else f": {event.text}"
        write(f"{clock(event.at)}  {event.kind}{said}{by}")
    return True


def deploys(found: Book, incident: Incident) -> Sequence[Sample]:
    """The releases of its time; none while the store can't be read."""
    since = incident.began_at - chronicle.DEPLOY_BEFORE_SECONDS
    with contextlib.suppress(StoreError):
        return found.store.samples("deploy", since=since, limit=200)
    return ()
