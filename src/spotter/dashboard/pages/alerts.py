"""Alerts: who watches, incidents, what fires, what is muted."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.middleware.csrf import get_token

from spotter.alerts.book import RESOLVED, Alert, Book, Incident, Silence
from spotter.alerts.machine import State
from spotter.dashboard import access, announcing
from spotter.dashboard import format as write
from spotter.dashboard.blocks import Action, Block, Cell, Column, Note, Table
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address
from spotter.stores.sql import SqlStore

TONES = {"critical": "bad", "warning": "warn"}


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """Everything that is wrong now first."""
    if not isinstance(reader.store, SqlStore):
        return [Note("This store keeps no alerts", "Use SQLite or PostgreSQL.", "warn")]
    with Book(reader.store).reading() as page:
        leader, found = page.leader(), list(page.alerts().values())
        latest, silences = page.incidents(limit=50), page.silences(reader.now)
    blocks: list[Block] = []
    if leader is None or leader[1] <= reader.now:
        blocks.append(
            Note(
                "Nobody watches",
                "Alerts are evaluated by `manage.py spotter watch`, which is not running: "
                "nobody will be told of anything.",
                "bad",
            )
        )
    blocks += [incidents(latest, reader.now), alerts(found, reader.now)]
    if access.may_act(request):
        token = get_token(request)
        plan = announcing.maintenance_forms(token, reader.now, silences)
        blocks += [muted(silences, reader.now), *plan]
        blocks += [
            Action(
                href=address("act/unsilence"), token=token,
                button=f"End silence {each.id}", hidden=[("silence", str(each.id))],
            )
            for each in silences
        ]  # fmt: skip
        blocks.append(
            Action(
                href=address("act/silence"),
                token=token,
                button="Mute",
                fields=[
                    ("rule", "Rule", ""),
                    ("minutes", "Minutes", "60"),
                    ("reason", "Why", ""),
                ],
            )
        )
    return blocks


def incidents(found: Sequence[Incident], now: float) -> Table:
    """The latest first, the open ones marked."""
    return Table(
        name="incidents",
        title="Incidents",
        columns=[
            Column("Incident", numeric=False),
            Column("State", numeric=False),
            Column("Severity", numeric=False),
            Column("Began", numeric=False),
            Column("Lasted"),
        ],
        rows=[
            [
                Cell(each.title, href=address("incidents/one", id=str(each.id))),
                Cell(each.state, tone="good" if each.state == RESOLVED else "bad"),
                Cell(each.severity, tone=TONES.get(each.severity, "")),
                Cell(write.moment(each.opened_at), each.opened_at),
                Cell(write.seconds((each.resolved_at or now) - each.opened_at)),
            ]
            for each in found
        ],
        empty="There has been no incident.",
    )


def alerts(found: Sequence[Alert], now: float) -> Table:
    """What fires, then what is about to, then what could not be judged."""
    order = {State.FIRING: 0, State.PENDING: 1, State.INACTIVE: 2}
    shown = [
        a
        for a in found
        if a.status.state is not State.INACTIVE or a.status.unknown_since
    ]
    shown.sort(key=lambda a: (order[a.status.state], a.rule))
    tones = {State.FIRING: "bad", State.PENDING: "warn"}
    return Table(
        name="alerts",
        title="Alerts",
        columns=[
            Column("Rule", numeric=False),
            Column("State", numeric=False),
            Column("What", numeric=False),
            Column("Since", numeric=False),
        ],
        rows=[
            [
                Cell(each.rule, mono=True),
                Cell(each.status.state, tone=tones.get(each.status.state, "muted")),
                Cell(each.text if each.status.active_at else each.reason),
                Cell(
                    write.ago(now - since) if (since := each.status.active_at) else ""
                ),
            ]
            for each in shown
        ],
        empty="Nothing fires.",
    )


def muted(silences: Sequence[Silence], now: float) -> Table:
    """Who mutes what until when."""
    return Table(
        name="silences",
        title="Silences",
        columns=[
            Column("What", numeric=False),
            Column("Why", numeric=False),
            Column("Who", numeric=False),
            Column("Until", numeric=False),
        ],
        rows=[
            [
                Cell(
                    ", ".join(f"{k}={v}" for k, v in each.matchers.items()), mono=True
                ),
                Cell(each.reason),
                Cell(each.author),
                Cell(write.moment(each.ends_at), each.ends_at),
            ]
            for each in silences
        ],
        empty="Nothing is muted.",
    )


PAGE = Page(
    path="alerts",
    title="Alerts",
    menu="Alerts",
    build=build,
    with_period=False,
    refreshes=False,
)
