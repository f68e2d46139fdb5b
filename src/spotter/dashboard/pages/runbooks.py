"""Runbooks: what to do about each alert, on the very machine that sent it."""

from __future__ import annotations

import functools
import pathlib
import re
from collections.abc import Sequence

from django.http import HttpRequest

from spotter.alerts.rules import runbook_of
from spotter.dashboard.blocks import (
    Block,
    Cell,
    Column,
    Link,
    Note,
    Prose,
    Table,
)
from spotter.dashboard.markdown import to_html
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address

FOLDER = pathlib.Path(__file__).parents[2] / "runbooks"
PATH = "runbooks"
#: The pages that a runbook names in bold.
PAGES = {
    "Overview": "", "Alerts": "alerts", "Uptime": "uptime", "Requests": "requests",
    "Queries": "queries", "Cache": "cache", "Tasks": "tasks", "Outgoing": "outgoing",
    "Hosts": "hosts", "Logs": "logs",
}  # fmt: skip


@functools.cache
def runbooks() -> dict[str, str]:
    """Every page's text by its name."""
    return {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.md"))}


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """One of them, or the list."""
    match = request.resolver_match
    name = str(match.kwargs.get("name", "")) if match else ""
    if not name:
        return [listed()]
    # A message may have been written with the rule's own name.
    text = runbooks().get(name) or runbooks().get(runbook_of(name))
    if text is None:
        return [
            Note(
                "There is no such runbook",
                "A rule of your own has its runbook where RUNBOOK_URL says.",
                "warn",
            ),
            listed(),
        ]
    every = Link("All runbooks", address(PATH))
    return [
        Prose(title_of(text), to_html(text, resolve)),
        Note("Is it something else?", "There is a page for each alert.", links=[every]),
    ]


def title_of(text: str) -> str:
    """The first heading: the rule's name."""
    return text.partition("\n")[0].lstrip("# ")


def resolve(target: str) -> str:
    """Where a link leads: another runbook, a page of the dashboard, or outside."""
    if target in PAGES:
        return address(PAGES[target])
    if match := re.fullmatch(r"([a-z-]+)\.md", target):
        return address(f"{PATH}/{match[1]}")
    return target if target.startswith("https://") else ""


def listed() -> Table:
    """All of them with the sentence that says what each is about."""
    return Table(
        name="runbooks",
        title="Runbooks",
        columns=[Column("Rule", numeric=False), Column("What it means", numeric=False)],
        rows=[
            [
                Cell(title_of(text), href=address(f"{PATH}/{name}"), mono=True),
                Cell(text.split("\n\n")[1].partition(". ")[0].rstrip(".") + "."),
            ]
            for name, text in runbooks().items()
        ],
        empty="There is none.",
    )


PAGE = Page(
    path=PATH,
    title="Runbooks",
    parent="alerts",
    build=build,
    with_period=False,
    refreshes=False,
    is_text=True,
)
