"""What operators tell the public: updates of an incident, and maintenance windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from spotter.alerts.book import KEEP_SECONDS, Page
from spotter.privacy import scrub_text

INVESTIGATING, IDENTIFIED, MONITORING, RESOLVED = STATES = (
    "investigating", "identified", "monitoring", "resolved",
)  # fmt: skip
#: Of one incident; nobody reads more.
MAX_UPDATES = 100
MAX_READ = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Update:
    """One text about an incident, and how far it is."""

    id: int
    at: float
    state: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PublicIncident:
    """An incident as the public sees it: a title, times and updates, nothing else."""

    id: int
    title: str
    started_at: float
    resolved_at: float | None
    updates: Sequence[Update]

    @property
    def state(self) -> str:
        """How far it is."""
        return RESOLVED if self.resolved_at else self.updates[-1].state


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A silence that is shown to the public."""

    id: int
    title: str
    text: str
    starts_at: float
    ends_at: float

    def state(self, now: float) -> str:
        """Whether it is to come, goes on or is over."""
        if now < self.starts_at:
            return "planned"
        return "in progress" if now < self.ends_at else "completed"


def announce(
    page: Page, incident: int, at: float, state: str, title: str, text: str
) -> None:
    """Tell the public of an incident."""
    insert(page, (incident, None, at, state, title, text))


def publish(page: Page, silence: int, at: float, title: str, text: str) -> None:
    """Show a silence as a maintenance window."""
    insert(page, (None, silence, at, "", title, text))


def insert(page: Page, values: tuple[Any, ...]) -> None:
    """Add a row; what must not get out is taken out before it is kept."""
    *facts, title, text = values
    page.run(
        "INSERT INTO spotter_announcements (incident_id, silence_id, at, state, title, "
        "text) VALUES (?, ?, ?, ?, ?, ?)",
        (*facts, scrub_text(title), scrub_text(text)),
    )


def titles(page: Page, incident: int) -> list[str]:
    """The titles that an incident was announced under, the first one first."""
    rows = page.run(
        "SELECT title FROM spotter_announcements WHERE incident_id = ? ORDER BY id",
        (incident,),
    )
    return [str(row[0]) for row in rows]


def public_incidents(page: Page, since: float) -> list[PublicIncident]:
    """Those that were announced and ended after an instant, the latest first."""
    rows = page.run(
        "SELECT i.id, i.opened_at, i.resolved_at, a.id, a.at, a.state, a.title, a.text "
        "FROM spotter_announcements a JOIN spotter_incidents i ON i.id = a.incident_id "
        "WHERE i.resolved_at IS NULL OR i.resolved_at >= ? "
        "ORDER BY i.id DESC, a.id LIMIT ?",
        (since, MAX_READ),
    )
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    found = [incident_of(id_, of) for id_, of in grouped.items()]
    return [each for each in found if not each.resolved_at or each.resolved_at >= since]


def incident_of(id_: int, rows: Sequence[Any]) -> PublicIncident:
    """One incident from its joined rows."""
    updates = [Update(row[3], row[4], row[5], row[7]) for row in rows]
    ended = updates[-1].at if updates[-1].state == RESOLVED else None
    resolved = [at for at in (rows[0][2], ended) if at]
    return PublicIncident(
        id=id_,
        title=next(row[6] for row in reversed(rows) if row[6]),
        started_at=rows[0][1],
        resolved_at=min(resolved, default=None),
        updates=updates,
    )


def maintenance(page: Page, since: float) -> list[Maintenance]:
    """Windows that end after an instant, the next one first."""
    rows = page.run(
        "SELECT s.id, a.title, a.text, s.starts_at, s.ends_at "
        "FROM spotter_announcements a JOIN spotter_silences s ON s.id = a.silence_id "
        "WHERE s.ends_at > ? AND s.ends_at > s.starts_at ORDER BY a.id LIMIT ?",
        (since, MAX_READ),
    )
    latest = {
        row[0]: Maintenance(
            id=row[0], title=row[1], text=row[2], starts_at=row[3], ends_at=row[4]
        )
        for row in rows
    }
    return sorted(latest.values(), key=lambda each: each.starts_at)


def trim(page: Page, now: float) -> None:
    """Delete what is past its time."""
    page.run("DELETE FROM spotter_announcements WHERE at < ?", (now - KEEP_SECONDS,))
