"""Alerts: who watches, what is wrong now, and what is wanted of somebody."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from spotter.alerts import naming
from spotter.alerts.machine import State
from spotter.alerts.records import ACKNOWLEDGED, OPEN, RESOLVED, Alert, Shut
from spotter.alerts.rules import runbook_of
from spotter.dashboard import access, incidents
from spotter.dashboard import format as write
from spotter.dashboard.blocks import (
    Block,
    Cell,
    Column,
    Link,
    Note,
    Table,
    Tile,
    Tiles,
)
from spotter.dashboard.pages import runbooks
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address

#: How far back what lacks a resolution is looked for.
LATELY_SECONDS = 90 * 86400.0


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """Everything that is wrong now first."""
    book, now = incidents.book_of(reader), reader.now
    if book is None:
        return [incidents.NO_BOOK]
    with book.reading() as page:
        leader, found = page.leader(), list(page.alerts().values())
        open_ = page.incidents((OPEN, ACKNOWLEDGED))
        over = page.incidents((RESOLVED,), since=now - LATELY_SECONDS, limit=1000)
        muted = sum(each.is_on(now) for each in page.silences(now))
        shut = page.shut_channels()
    lacking = sum(each.needs_resolution for each in over)
    blocks: list[Block] = [*incidents.notice_of(book, reader)]
    watcher = leader[0] if leader is not None and leader[1] > now else ""
    if not watcher:
        blocks.append(nobody_watches())
    blocks += [closed(name, each, now) for name, each in sorted(shut.items())]
    return [
        *blocks,
        tiles(found, len(open_), lacking, muted),
        incidents.table(
            open_, now, title="Open incidents", empty="No incident is open."
        ),
        alerts(found, now, watcher, can_act=access.may_act(request)),
        incidents.table(
            over[:10], now, title="Lately resolved", empty="There has been no incident.",
            name="resolved",
        ),
        Note(
            "What to do about an alert",
            "The name of a rule leads to its runbook.",
            links=[Link("All runbooks", address(runbooks.PATH))],
        ),
    ]  # fmt: skip


def closed(name: str, shut: Shut, now: float) -> Note:
    """A channel whose key or address is dead."""
    return Note(
        f"The channel {name} is shut",
        f"It refused {write.ago(now - shut.at)}: {shut.reason}. Others are told instead. "
        f"Mend its address or key; `manage.py spotter notify {name}` opens it.",
        "bad",
    )


def nobody_watches() -> Note:
    """The worst that there is to say."""
    return Note(
        "Nobody watches",
        "Alerts are evaluated by `manage.py spotter watch`, which is not running: "
        "nobody will be told of anything.",
        "bad",
    )


def tiles(found: Sequence[Alert], open_: int, lacking: int, muted: int) -> Tiles:
    """How much there is, each leading to it."""
    firing = sum(alert.is_firing for alert in found)
    wanted = address("incidents", state="needs a resolution")
    return Tiles(
        [
            Tile(title="Firing", text=str(firing), tone="bad" if firing else ""),
            Tile(
                title="Open incidents",
                text=str(open_),
                tone="bad" if open_ else "",
                href=address("incidents"),
            ),
            Tile(
                title="Need a resolution",
                text=str(lacking),
                tone="warn" if lacking else "",
                href=wanted,
            ),
            Tile(title="Silences", text=str(muted), href=address("silences")),
        ]
    )


def alerts(found: Sequence[Alert], now: float, watcher: str, *, can_act: bool) -> Table:
    """What fires, then what is about to, then what could not be judged."""
    order = {State.FIRING: 0, State.PENDING: 1, State.INACTIVE: 2}
    shown = [
        a
        for a in found
        if a.status.state is not State.INACTIVE or a.status.unknown_since
    ]
    shown.sort(key=lambda a: (order[a.status.state], a.rule))
    columns = [
        "Rule",
        "State",
        "What",
        "Since",
        "Incident",
        *(["Mute"] if can_act else []),
    ]
    return Table(
        name="alerts",
        title="Alerts",
        columns=[Column(title, numeric=False) for title in columns],
        rows=[row(each, now)[: len(columns)] for each in shown],
        empty="Nothing fires.",
        note=f"Watched by {naming.shown(watcher)}." if watcher else "",
    )


def runbook(rule: str) -> str:
    """Where it says what to do; "" for a rule of the project's own."""
    name = runbook_of(rule)
    return address(f"{runbooks.PATH}/{name}") if name in runbooks.runbooks() else ""


def row(alert: Alert, now: float) -> list[Cell]:
    """One alert."""
    tones = {State.FIRING: "bad", State.PENDING: "warn"}
    since = alert.status.active_at
    number = alert.incident
    return [
        Cell(alert.rule, mono=True, href=runbook(alert.rule)),
        Cell(alert.status.state, tone=tones.get(alert.status.state, "muted")),
        Cell(alert.text if since else alert.reason),
        Cell(write.ago(now - since) if since else "", since),
        Cell(str(number), number, address("incidents/one", id=str(number)))
        if number
        else Cell(""),
        Cell("mute", href=incidents.silence_address(incidents.matchers_of(alert))),
    ]


PAGE = Page(
    path="alerts",
    title="Alerts",
    menu="Alerts",
    build=build,
    with_period=False,
    refreshes=False,
    survives=True,
)
