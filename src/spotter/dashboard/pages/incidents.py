"""Incidents: all of a time, how soon they were answered and ended, what is noisy."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from spotter.alerts.chronicle import OfRule, Statistics, statistics
from spotter.alerts.records import ACKNOWLEDGED, OPEN, RESOLVED, Incident
from spotter.alerts.rules import Severity
from spotter.dashboard import format as write
from spotter.dashboard import incidents as shared
from spotter.dashboard.blocks import Block, Cell, Column, Form, Table, Tile, Tiles
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address

#: More are not read for one page.
MOST, LISTED = 2000, 100
LACKING = "needs a resolution"
STATES = ("", OPEN, ACKNOWLEDGED, RESOLVED, LACKING)
#: By name: the days that are looked back.
DURING = {"24h": 1, "7d": 7, "30d": 30, "90d": 90, "2y": 730}
DEFAULT = "30d"


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """The incidents that were open in a time, filtered."""
    book = shared.book_of(reader)
    if book is None:
        return [shared.NO_BOOK]
    asked = {
        name: request.GET.get(name, "")[:100]
        for name in ("state", "severity", "rule", "during")
    }
    if asked["during"] not in DURING:
        asked["during"] = DEFAULT
    since = reader.now - DURING[asked["during"]] * 86400.0
    with book.reading() as page:
        found = page.incidents(since=since, limit=MOST)
    rules = sorted({rule for incident in found for rule in incident.rules})
    shown = [each for each in found if is_asked_for(each, asked)]
    numbers = statistics(shown, reader.now)
    note = f"Only the latest {LISTED:,} are listed." if len(shown) > LISTED else ""
    return [
        *shared.notice_of(book, reader),
        tiles(numbers, asked["during"]),
        form(asked, rules),
        shared.table(
            shown[:LISTED], reader.now, title=write.number_of(len(shown), "incident", "incidents"), note=note,
            empty="There was no such incident in that time.",
        ),
        noisiest(numbers.rules, asked["during"]),
    ]  # fmt: skip


def is_asked_for(incident: Incident, asked: dict[str, str]) -> bool:
    """Whether the filter lets it through."""
    state, severity, rule = asked["state"], asked["severity"], asked["rule"]
    if state == LACKING:
        if not incident.needs_resolution:
            return False
    elif state and incident.state != state:
        return False
    return (not severity or incident.severity == severity) and (
        not rule or rule in incident.rules
    )


def form(asked: dict[str, str], rules: Sequence[str]) -> Form:
    """The filter."""
    return Form(
        choices=[
            ("state", asked["state"], STATES),
            ("severity", asked["severity"], ["", *map(str, Severity)]),
            ("rule", asked["rule"], ["", *rules]),
            ("during", asked["during"], list(DURING)),
        ]
    )


def tiles(numbers: Statistics, during: str) -> Tiles:
    """How many, and how soon."""
    lacking = address("incidents", state=LACKING, during=during)
    return Tiles(
        [
            Tile(
                title="Open now",
                text=str(numbers.open),
                tone="bad" if numbers.open else "",
            ),
            Tile(
                title="Need a resolution",
                text=str(numbers.lacking),
                tone="warn" if numbers.lacking else "",
                href=lacking,
            ),
            Tile(
                title="Mean time to acknowledge",
                text=write.seconds(numbers.mtta),
                change=f"of {numbers.acknowledged} acknowledged"
                if numbers.acknowledged
                else "none was acknowledged",
            ),
            Tile(
                title="Mean time to resolve",
                text=write.seconds(numbers.mttr),
                change=f"of {numbers.resolved} resolved"
                if numbers.resolved
                else "none is over",
            ),
        ]
    )


def noisiest(rules: Sequence[OfRule], during: str) -> Table:
    """Which rules fire most."""
    most = max((each.firings for each in rules), default=0) or 1
    return Table(
        name="rules",
        title="The noisiest rules",
        columns=[
            Column("Rule", numeric=False),
            Column("Fired"),
            Column("Incidents"),
            Column("Time open"),
        ],
        rows=[
            [
                Cell(
                    each.rule,
                    href=address("incidents", rule=each.rule, during=during),
                    mono=True,
                ),
                Cell(str(each.firings), each.firings, bar=each.firings / most),
                Cell(str(each.incidents), each.incidents),
                Cell(write.seconds(each.seconds), round(each.seconds, 1)),
            ]
            for each in rules
        ],
        empty="No rule fired in that time.",
    )


PAGE = Page(
    path="incidents",
    title="Incidents",
    menu="Incidents",
    build=build,
    with_period=False,
    refreshes=False,
    survives=True,
)
