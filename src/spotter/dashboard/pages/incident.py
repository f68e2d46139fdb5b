"""One incident: what it is, who was told, its timeline, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.middleware.csrf import get_token

from spotter.alerts.book import OPEN, RESOLVED, Book, Delivery, Event, Incident
from spotter.dashboard import access, announcing
from spotter.dashboard import format as write
from spotter.dashboard.blocks import Action, Block, Cell, Column, Facts, Note, Table
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address
from spotter.stores.sql import SqlStore

STATES = {"sent": "good", "failed": "bad", "pending": "warn"}


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """The incident of `?id=`."""
    asked = request.GET.get("id", "")
    if not isinstance(reader.store, SqlStore) or not asked.isdigit() or len(asked) > 12:
        return [missing()]
    with Book(reader.store).reading() as page:
        incident = page.incident(int(asked))
        if incident is None:
            return [missing()]
        events, deliveries = page.events(incident.id), page.deliveries(incident.id)
        form = announcing.incident_form(page, incident, get_token(request))
    blocks: list[Block] = []
    if access.may_act(request):
        blocks += [*actions(incident, get_token(request)), *form]
    # At night on a phone the button comes first.
    return [
        *blocks[:1],
        facts(incident, reader.now),
        *blocks[1:],
        timeline(events),
        told(deliveries),
    ]


def missing() -> Note:
    """There is none of that number."""
    return Note(
        "There is no such incident", "The list of all is on the page Alerts.", "warn"
    )


def facts(incident: Incident, now: float) -> Facts:
    """What it is, with the evidence of the moment it began."""
    end = incident.resolved_at or now
    tone = "good" if incident.state == RESOLVED else "bad"
    return Facts(
        incident.title,
        [
            ("State", Cell(incident.state, tone=tone)),
            ("Severity", Cell(incident.severity)),
            ("Began", Cell(write.moment(incident.opened_at))),
            ("Lasted", Cell(write.seconds(end - incident.opened_at))),
            *(
                (str(name), Cell(str(value)))
                for name, value in incident.body.get("evidence", ())
            ),
            (
                "Resolution",
                Cell(str(incident.body.get("resolution", "not written yet"))),
            ),
        ],
    )


def actions(incident: Incident, token: str) -> list[Block]:
    """Acknowledge, write a note, say what it was."""
    hidden = [("incident", str(incident.id))]
    text = "Resolution" if incident.state == RESOLVED else "Note"
    made: list[Block] = []
    if incident.state == OPEN:
        made.append(
            Action(
                href=address("act/acknowledge"), token=token, button="Acknowledge",
                hidden=hidden,
            )
        )  # fmt: skip
    made.append(
        Action(
            href=address(f"act/{text.lower()}"),
            token=token,
            button="Write down",
            hidden=hidden,
            fields=[("text", text, "")],
        )
    )
    return made


def timeline(events: Sequence[Event]) -> Table:
    """What happened, in order."""
    return Table(
        name="timeline",
        title="Timeline",
        columns=[
            Column("When", numeric=False),
            Column("What", numeric=False),
            Column("Who", numeric=False),
        ],
        rows=[
            [
                Cell(write.moment(each.at), each.at),
                Cell(
                    each.text if each.kind == each.text else f"{each.kind}: {each.text}"
                ),
                Cell(each.actor),
            ]
            for each in events
        ],
        empty="Nothing has happened.",
    )


def told(deliveries: Sequence[Delivery]) -> Table:
    """Every decision: sent because, not sent because."""
    return Table(
        name="deliveries",
        title="Who was told",
        columns=[
            Column("When", numeric=False),
            Column("Channel", numeric=False),
            Column("Message", numeric=False),
            Column("State", numeric=False),
            Column("Because", numeric=False),
            Column("Tries"),
            Column("Trouble", numeric=False),
        ],
        rows=[
            [
                Cell(write.moment(each.created_at), each.created_at),
                Cell(each.channel),
                Cell(each.kind),
                Cell(each.state, tone=STATES.get(each.state, "muted")),
                Cell(each.reason),
                Cell(str(each.attempts), each.attempts),
                Cell(each.error),
            ]
            for each in deliveries
        ],
        empty="There is no channel: set SPOTTER['CHANNELS'].",
    )


PAGE = Page(
    path="incidents/one",
    title="Incident",
    parent="alerts",
    build=build,
    with_period=False,
    refreshes=False,
)
