"""`manage.py spotter rules`: every rule with its limit, state and last message."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from django.core.management.base import BaseCommand

from spotter.alerts.book import Page
from spotter.alerts.drilled import drilled_at
from spotter.alerts.records import SENT, Alert
from spotter.alerts.rules import Rule, written
from spotter.alerts.watcher import configured_rules
from spotter.channels.notice import clock
from spotter.management.subcommands.status import book

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
#: Incidents that are looked through for when a rule fired last.
MAX_INCIDENTS = 500


@dataclasses.dataclass(slots=True)
class Past:
    """When rules last fired, were last told and last drilled."""

    fired: dict[str, float] = dataclasses.field(default_factory=dict)
    told: dict[str, float] = dataclasses.field(default_factory=dict)
    drilled: dict[str, float] = dataclasses.field(default_factory=dict)


def run(command: BaseCommand) -> bool:
    """Print a table; True."""
    found = book()
    rules = configured_rules(lambda: found)
    with found.reading() as page:
        alerts = list(page.alerts().values())
        past = past_of(page)
    table = [HEAD, *(row(rule, alerts, past) for rule in rules)]
    widths = [max(len(line[n]) for line in table) for n in range(len(HEAD))]
    for line in table:
        cells = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        command.stdout.write("  ".join(cells).rstrip())
    return True


def past_of(page: Page) -> Past:
    """What the book knows."""
    past = Past(drilled=drilled_at(page))
    for incident in page.incidents(limit=MAX_INCIDENTS):
        names = set()
        for event in page.events(incident.id):
            if event.kind == "firing":
                name = event.text.partition(":")[0]
                names.add(name)
                keep_latest(past.fired, name, event.at)
        for each in page.deliveries(incident.id):
            if each.state == SENT and each.done_at:
                for name in names:
                    keep_latest(past.told, name, each.done_at)
    return past


def keep_latest(times: dict[str, float], name: str, at: float) -> None:
    """The later of two times."""
    times[name] = max(at, times.get(name, 0.0))


def row(rule: Rule, alerts: Sequence[Alert], past: Past) -> tuple[str, ...]:
    """One rule's line."""
    mine = [alert for alert in alerts if alert.rule == rule.name]
    return (
        rule.name,
        str(rule.severity),
        limit(rule),
        f"{rule.for_:g} s",
        "/".join(sorted({str(a.status.state) for a in mine}) or ["inactive"]),
        "".join(worst(rule, mine)),
        *(when(times, rule.name) for times in (past.fired, past.told, past.drilled)),
    )


def worst(rule: Rule, alerts: Sequence[Alert]) -> Iterator[str]:
    """The value furthest on the wrong side."""
    values = [alert.value for alert in alerts if alert.value is not None]
    if values:
        yield written(min(values) if rule.below else max(values), rule.unit)


def when(times: Mapping[str, float], name: str) -> str:
    """A time, or that there was none."""
    return clock(times[name]) if name in times else "never"


def limit(rule: Rule) -> str:
    """The threshold in words."""
    return f"{'<' if rule.below else '>'} {written(rule.threshold, rule.unit)}"
