"""One incident: what to do, what it is, its evidence, its timeline, who was told."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token

from spotter.alerts import chronicle
from spotter.alerts.book import Book
from spotter.alerts.evidence import Piece, kept
from spotter.alerts.matchers import Matcher
from spotter.alerts.postmortem import impact, markdown
from spotter.alerts.records import OPEN, RESOLVED, Alert, Delivery, Event, Incident
from spotter.dashboard import access, announcing, incidents
from spotter.dashboard import format as write
from spotter.dashboard.blocks import (
    Action,
    Block,
    Cell,
    Column,
    Facts,
    Happening,
    Item,
    Items,
    Link,
    Note,
    Table,
    Timeline,
)
from spotter.dashboard.period import Period
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address
from spotter.entries import Sample
from spotter.stores.contract import StoreError

STATES = {"sent": "good", "failed": "bad", "pending": "warn"}
TONES = {
    "opened": "bad", "firing": "bad", "reopened": "bad", "escalated": "bad",
    "not sent": "bad", "unacknowledged": "warn", "silenced": "warn",
    "acknowledged": "good", "resolved": "good", "closed": "good", "resolution": "good",
    "deploy": "deploy", "store": "warn", "sent": "muted", "not told": "muted",
    "silence ended": "muted",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything of one incident."""

    book: Book
    incident: Incident
    timeline: Sequence[Event]
    pieces: Sequence[Piece]
    deliveries: Sequence[Delivery]
    firing: Sequence[Alert]


def find(reader: Reader, request: HttpRequest) -> Found | None:
    """The incident of `?id=`."""
    asked, book = request.GET.get("id", ""), incidents.book_of(reader)
    if book is None or not asked.isascii() or not asked.isdigit() or len(asked) > 12:
        return None
    with book.reading() as page:
        incident = page.incident(int(asked))
        if incident is None:
            return None
        events, deliveries = page.events(incident.id), page.deliveries(incident.id)
        pieces, alerts = kept(page, incident.id), page.alerts().values()
    return Found(
        book=book,
        incident=incident,
        timeline=chronicle.timeline(
            incident, events, deploys(reader, incident), reader.now
        ),
        pieces=pieces,
        deliveries=deliveries,
        firing=[a for a in alerts if a.is_firing and a.incident == incident.id],
    )


def deploys(reader: Reader, incident: Incident) -> Sequence[Sample]:
    """The releases of its time; none while the store can't be read."""
    since = incident.began_at - chronicle.DEPLOY_BEFORE_SECONDS
    try:
        return reader.store.samples("deploy", since=since, limit=200)
    except StoreError:
        return ()


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """At night on a phone the button comes first."""
    found = find(reader, request)
    if found is None:
        return [missing()]
    incident, now = found.incident, reader.now
    period = incidents.period_of(incident, now)
    blocks: list[Block] = []
    can_act = access.may_act(request)
    if can_act:
        blocks.append(first_action(found, request, reader.now))
    blocks += incidents.notice_of(found.book, reader)
    is_named = can_act and incident.state == OPEN
    title = "In short" if is_named else incident.title
    blocks += [facts(reader, incident, period, title), evidence(found.pieces, period)]
    if can_act and not incident.needs_resolution:
        blocks.append(note_action(incident, request))
    if can_act:
        with found.book.reading() as page:
            blocks += announcing.incident_form(page, incident, get_token(request))
    return [*blocks, timeline(found), told(found.deliveries)]


def export(reader: Reader, request: HttpRequest) -> HttpResponse | None:
    """The incident as a Markdown file."""
    found = find(reader, request)
    if found is None:
        return None
    text = markdown(
        found.incident,
        found.timeline,
        found.pieces,
        found.deliveries,
        impact(reader.store, found.incident, reader.now),
        reader.now,
    )
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    name = f"incident-{found.incident.id}.md"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def missing() -> Note:
    """There is none of that number."""
    return Note(
        "There is no such incident",
        "It may be older than what is kept, or its number is wrong.",
        "warn",
        links=[Link("All incidents", address("incidents"))],
    )


def first_action(found: Found, request: HttpRequest, now: float) -> Action:
    """What is to be done now: acknowledge, or say what it was."""
    incident = found.incident
    token, hidden = get_token(request), [("incident", str(incident.id))]
    if incident.state == RESOLVED:
        return resolution_action(incident, request)
    mute = [Link("Mute", incidents.silence_address(rules_of(found), incident.id))]
    if incident.state == OPEN:
        return Action(
            href=address("act/acknowledge"), token=token, button="Acknowledge",
            hidden=hidden, is_main=True, links=mute, title=incident.title,
        )  # fmt: skip
    who, at = incident.body.get("acknowledged_by"), incident.body.get("acknowledged_at")
    since = write.ago(now - at) if at else ""
    return Action(
        href=address("act/unacknowledge"), token=token, hidden=hidden, links=mute,
        button="Take it back", title=f"Acknowledged by {who} {since}".rstrip(),
    )  # fmt: skip


def rules_of(found: Found) -> list[Matcher]:
    """What mutes everything that fires in it."""
    if len(found.firing) == 1:
        return incidents.matchers_of(found.firing[0])
    names = sorted({a.rule for a in found.firing} or found.incident.rules)
    if len(names) == 1:
        return [Matcher("rule", "=", names[0])]
    return [Matcher("rule", "=~", "|".join(names))]


def resolution_action(incident: Incident, request: HttpRequest) -> Action:
    """What it was and what was done, as it stands, to be written or mended."""
    known = incident.resolution or {}
    given = request.GET
    lacks = incident.needs_resolution
    return Action(
        href=address("act/resolution"),
        token=get_token(request),
        button="Write the resolution",
        title="It is over. What was it?" if lacks else "The resolution",
        hidden=[("incident", str(incident.id))],
        areas=[
            ("cause", "What it was", given.get("cause", known.get("cause", ""))),
            ("done", "What was done", given.get("done", known.get("done", ""))),
        ],
        is_main=lacks,
    )


def note_action(incident: Incident, request: HttpRequest) -> Action:
    """A line in the timeline."""
    return Action(
        href=address("act/note"),
        token=get_token(request),
        button="Add the note",
        title="Note for the timeline",
        hidden=[("incident", str(incident.id))],
        areas=[("text", "What you found or did", request.GET.get("text", ""))],
    )


def facts(reader: Reader, incident: Incident, period: Period, title: str) -> Facts:
    """What it is."""
    end = incident.resolved_at or reader.now
    after = incident.acknowledged_after
    known = incident.resolution or {}
    pairs = [
        ("State", incidents.state_cell(incident)),
        ("Severity", Cell(incident.severity, tone=incidents.TONES.get(incident.severity, ""))),
        ("Opened (UTC)", Cell(write.moment(incident.opened_at))),
        ("Lasted", Cell(write.seconds(end - incident.opened_at))),
        ("Acknowledged after", Cell(write.seconds(after) if after is not None else "")),
        ("Impact", Cell(impact(reader.store, incident, reader.now).text, href=address("requests", period))),
        ("Rules", Cell(", ".join(sorted(incident.rules)))),
        ("Flapped", Cell(f"{incident.flaps}x" if incident.flaps else "")),
        ("What it was", Cell(str(known.get("cause", "")))),
        ("What was done", Cell(str(known.get("done", "")))),
        ("Written by", Cell(str(known.get("by", "")))),
    ]  # fmt: skip
    return Facts(title, [(name, cell) for name, cell in pairs if cell.text])


def evidence(pieces: Sequence[Piece], period: Period) -> Items:
    """What was known when it fired, each piece leading to its page."""
    groups: dict[str, list[Item]] = {}
    for piece in pieces:
        groups.setdefault(piece.name, []).append(item(piece, period))
    return Items(
        "Evidence, as it was when it fired",
        list(groups.items()),
        "There was none when it fired.",
    )


def item(piece: Piece, period: Period) -> Item:
    """One piece of evidence."""
    lines = None
    if piece.request_id and piece.kind != "line":
        lines = Link("log lines", address("logs", period, request_id=piece.request_id))
    return Item(
        text=piece.text,
        href=address(piece.page, period, **piece.asked) if piece.page else "",
        more=lines,
        tone="warn" if piece.kind == "trouble" else "",
        mono=piece.kind in ("line", "statement"),
    )


def timeline(found: Found) -> Timeline:
    """What happened, in order."""
    return Timeline(
        "Timeline (UTC)",
        [
            Happening(
                write.moment(each.at),
                each.kind,
                "" if each.text == each.kind else each.text,
                each.actor,
                TONES.get(each.kind, ""),
            )
            for each in found.timeline
        ],
        Link(
            "Markdown",
            address("incidents/one", id=str(found.incident.id), format="md"),
        ),
    )


def told(deliveries: Sequence[Delivery]) -> Table:
    """Every decision: sent because, not sent because."""
    return Table(
        name="deliveries",
        title="Who was told",
        columns=[
            Column("When (UTC)", numeric=False),
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
    parent="incidents",
    named_by="id",
    build=build,
    export=export,
    with_period=False,
    refreshes=False,
    survives=True,
)
