"""What the pages of alerting have in common: the book, states, times, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spotter.alerts.book import Book
from spotter.alerts.matchers import Matcher, written
from spotter.alerts.records import ACKNOWLEDGED, RESOLVED, Alert, Incident
from spotter.alerts.spare import current
from spotter.dashboard import format as write
from spotter.dashboard.blocks import Cell, Column, Note, Table
from spotter.dashboard.period import MAX_WINDOWS, STEPS, Period
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import address
from spotter.stores.sql import SqlStore

TONES = {"critical": "bad", "warning": "warn"}
#: What came before is shown too; and the last lines are written after the end.
BEFORE_SECONDS, AFTER_SECONDS = 900, 60
NO_BOOK = Note("This store keeps no alerts", "Use SQLite or PostgreSQL.", "warn")


def book_of(reader: Reader) -> Book | None:
    """The book that counts now; None where the store has none."""
    if not isinstance(reader.store, SqlStore):
        return None
    return current(reader.store, reader.now)


def notice_of(book: Book, reader: Reader) -> list[Note]:
    """A word when what is shown is the watcher's own copy."""
    if book.store is reader.store:
        return []
    text = (
        "This is the watcher's own copy: what is open, and of the last day. What you do "
        "here counts at once, and is in the store when that is back."
    )
    return [Note("The watcher goes on without the store", text, "warn")]


def period_of(incident: Incident, now: float) -> Period:
    """An incident's time, with what came before it."""
    start = int(incident.began_at) - BEFORE_SECONDS
    end = int(incident.resolved_at or now) + AFTER_SECONDS
    step = next((s for s in STEPS if (end - start) / s <= MAX_WINDOWS), STEPS[-1])
    return Period(name="", start=start, end=end, step=step)


def one(incident: Incident) -> str:
    """The address of an incident."""
    return address("incidents/one", id=str(incident.id))


def silence_address(matchers: Sequence[Matcher], incident: int | None = None) -> str:
    """Where to mute what matches, with a look at what that is."""
    asked = {"matchers": written(matchers)}
    if incident is not None:
        asked |= {"incident": str(incident), "until": "incident"}
    return address("silences", None, **asked)


def matchers_of(alert: Alert) -> list[Matcher]:
    """What holds for one alert alone."""
    labels: Mapping[str, str] = {"rule": alert.rule, **alert.labels}
    return [Matcher(name, "=", value) for name, value in labels.items() if value]


def state_cell(incident: Incident) -> Cell:
    """The state, with what is wanted of somebody."""
    if incident.needs_resolution:
        return Cell("needs a resolution", tone="warn")
    if incident.state == RESOLVED:
        return Cell("resolved", tone="good")
    if incident.state == ACKNOWLEDGED:
        return Cell("acknowledged", tone="warn")
    muted = " · muted" if incident.body.get("silenced_by") else ""
    return Cell(f"open{muted}", tone="bad")


def table(
    incidents: Sequence[Incident],
    now: float,
    *,
    title: str,
    empty: str,
    note: str = "",
    name: str = "incidents",
) -> Table:
    """Incidents, each leading to its page."""
    return Table(
        name=name,
        title=title,
        columns=[
            Column("Incident", numeric=False),
            Column("State", numeric=False),
            Column("Severity", numeric=False),
            Column("Opened (UTC)"),
            Column("Lasted"),
            Column("Acknowledged after"),
            Column("Rules", numeric=False),
            Column("Flaps"),
        ],
        rows=[row(each, now) for each in incidents],
        empty=empty,
        note=note,
    )


def row(incident: Incident, now: float) -> list[Cell]:
    """One incident."""
    lasted = (incident.resolved_at or now) - incident.opened_at
    after = incident.acknowledged_after
    return [
        Cell(f"{incident.id} · {incident.title}", incident.title, href=one(incident)),
        state_cell(incident),
        Cell(incident.severity, tone=TONES.get(incident.severity, "")),
        Cell(minute(incident.opened_at), write.moment(incident.opened_at)),
        Cell(write.seconds(lasted), round(lasted, 1)),
        Cell(write.seconds(after), None if after is None else round(after, 1)),
        Cell(", ".join(sorted(incident.rules))),
        Cell(str(incident.flaps), incident.flaps),
    ]


def minute(at: float) -> str:
    """An instant to the minute."""
    return write.moment(at)[:16]
