"""`manage.py spotter rules`: every rule with its limit, state and last message."""

from __future__ import annotations

import argparse

from django.core.management.base import BaseCommand

from spotter.alerts.book import SENT
from spotter.alerts.drilled import drilled_at
from spotter.alerts.rules import Rule, written
from spotter.alerts.watcher import configured_rules
from spotter.channels.notice import clock
from spotter.management.subcommands.status import book

HELP = "list the alert rules with state, value and when each last fired"
HEAD = (
    "RULE",
    "SEVERITY",
    "LIMIT",
    "FOR",
    "STATE",
    "VALUE",
    "LAST FIRED",
    "LAST SENT",
    "LAST DRILLED",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing."""


def run(command: BaseCommand, **options: object) -> bool:
    """Print a table; True."""
    found = book()
    rules = configured_rules(lambda: found)
    with found.reading() as page:
        alerts = list(page.alerts().values())
        drilled = drilled_at(page)
        events = {
            incident.id: (page.events(incident.id), page.deliveries(incident.id))
            for incident in page.incidents(limit=500)
        }
    fired: dict[str, float] = {}
    told: dict[str, float] = {}
    for timeline, deliveries in events.values():
        names = {e.text.partition(":")[0] for e in timeline if e.kind == "firing"}
        for event in timeline:
            if event.kind == "firing":
                name = event.text.partition(":")[0]
                fired[name] = max(event.at, fired.get(name, 0.0))
        for each in deliveries:
            if each.state == SENT and each.done_at:
                for name in names:
                    told[name] = max(each.done_at, told.get(name, 0.0))
    rows = [HEAD]
    for rule in rules:
        mine = [alert for alert in alerts if alert.rule == rule.name]
        states = sorted({str(a.status.state) for a in mine}) or ["inactive"]
        values = [a.value for a in mine if a.value is not None]
        rows.append(
            (
                rule.name,
                rule.severity,
                limit(rule),
                f"{rule.for_:g} s",
                "/".join(states),
                written(max(values), rule.unit) if values else "",
                clock(fired[rule.name]) if rule.name in fired else "never",
                clock(told[rule.name]) if rule.name in told else "never",
                clock(drilled[rule.name]) if rule.name in drilled else "never",
            )
        )
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    for row in rows:
        line = "  ".join(
            text.ljust(width) for text, width in zip(row, widths, strict=True)
        )
        command.stdout.write(line.rstrip())
    return True


def limit(rule: Rule) -> str:
    """The threshold in words."""
    return f"{'<' if rule.below else '>'} {written(rule.threshold, rule.unit)}"
