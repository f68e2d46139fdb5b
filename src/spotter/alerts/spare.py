"""
A spare book in a file of the watcher's own, for when the store is gone.

It always holds a copy of what is open, with the same numbers. While the store can't be
written, the watcher goes on in it; afterwards what happened is copied back.
"""

from __future__ import annotations

import dataclasses
import pathlib

from spotter.alerts.book import DELIVERY, INCIDENT, RESOLVED, Book, Incident, Page
from spotter.alerts.book import as_json as dumps
from spotter.stores.sql import SqlStore
from spotter.stores.sqlite import SqliteStore

#: How far back the copy goes: what ended before is of no use to a watcher.
COPY_SECONDS = 24 * 3600.0


class Spare:
    """The file, and the copying to and fro."""

    def __init__(self, path: pathlib.Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.book = Book(SqliteStore(path))
        self._copied = ""

    def copy(self, book: Book, now: float) -> None:
        """Copy what is open from the store's book, if anything of it changed."""
        with book.reading() as page:
            incidents = page.incidents(since=now - COPY_SECONDS)
            rows = {each.id: page.deliveries(each.id, limit=2000) for each in incidents}
            alerts, silences = page.alerts(), page.silences(now)
        state = dumps(
            [
                # As they are: asdict() would copy each notice for the comparison.
                incidents,
                list(rows.values()),
                sorted((a.key, a.status.state, a.incident) for a in alerts.values()),
                [s.id for s in silences],
            ]
        )
        if state == self._copied:
            return
        with self.book.writing() as spare:
            empty(spare)
            for alert in alerts.values():
                spare.save_alert(alert, now)
            for incident in incidents:
                insert(spare, "spotter_incidents", INCIDENT, row_of(incident))
                for each in rows[incident.id]:
                    values = dataclasses.astuple(each)
                    insert(
                        spare,
                        "spotter_outbox",
                        DELIVERY,
                        (*values[:-1], dumps(each.notice)),
                    )
            for silence in silences:
                spare.silence(
                    silence.matchers, silence.author, silence.reason,
                    silence.starts_at, silence.ends_at, now,
                )  # fmt: skip
        self._copied = state

    def give_back(self, book: Book, now: float) -> None:
        """Copy what happened meanwhile into the store's book."""
        with self.book.reading() as spare:
            incidents = spare.incidents(since=now - COPY_SECONDS)
            rows = {
                each.id: spare.deliveries(each.id, limit=2000) for each in incidents
            }
            events = {each.id: spare.events(each.id) for each in incidents}
            alerts = spare.alerts()
        with book.writing() as page:
            numbers = {each.id: adopt(page, each) for each in reversed(incidents)}
            for incident in incidents:
                number = numbers[incident.id]
                for each in reversed(rows[incident.id]):
                    tail = each.key.partition(":")[2]
                    values = dataclasses.astuple(
                        dataclasses.replace(
                            each, key=f"{number}:{tail}", incident=number
                        )
                    )
                    upsert_delivery(page, (*values[1:-1], dumps(each.notice)))
                for event in events[incident.id]:
                    page.note(number, event.at, event.kind, event.text, event.actor)
            for alert in alerts.values():
                known = numbers.get(alert.incident or 0, alert.incident)
                page.save_alert(dataclasses.replace(alert, incident=known), now)
        with self.book.writing() as spare:
            empty(spare)
        self._copied = ""


def empty(page: Page) -> None:
    """Delete everything."""
    for table in ("alerts", "incidents", "incident_events", "outbox", "silences"):
        page.run(f"DELETE FROM spotter_{table}")  # noqa: S608 (names of ours)


def insert(page: Page, table: str, columns: str, values: tuple[object, ...]) -> None:
    """Insert a row with its number."""
    marks = ", ".join("?" * len(values))
    page.run(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)  # noqa: S608


def row_of(incident: Incident) -> tuple[object, ...]:
    """An incident's columns."""
    return (*dataclasses.astuple(incident)[:-1], dumps(incident.body))


def adopt(page: Page, incident: Incident) -> int:
    """Write an incident of the spare book into the store's; give its number there."""
    known = page.incident(incident.id)
    if known is not None and known.dedup_key == incident.dedup_key:
        # Somebody may have acknowledged it there meanwhile.
        newer = incident
        if known.state != incident.state and incident.state != RESOLVED:
            newer = dataclasses.replace(incident, state=known.state, body=known.body)
        page.save_incident(newer)
        return known.id
    made = page.open_incident(
        incident.dedup_key, incident.severity, incident.opened_at, incident.body
    )
    page.save_incident(dataclasses.replace(incident, id=made.id))
    return made.id


def upsert_delivery(page: Page, values: tuple[object, ...]) -> None:
    """Write a delivery, or what became of one that is there."""
    columns = DELIVERY.removeprefix("id, ")
    marks = ", ".join("?" * len(values))
    page.run(
        f"INSERT INTO spotter_outbox ({columns}) VALUES ({marks}) "  # noqa: S608
        "ON CONFLICT (key) DO UPDATE SET state = excluded.state, "
        "attempts = excluded.attempts, due_at = excluded.due_at, claimed_until = 0, "
        "done_at = excluded.done_at, error = excluded.error",
        values,
    )


def spare_path(store: SqlStore, fallback: pathlib.Path) -> pathlib.Path:
    """Beside the store's file, or below the project."""
    folder = fallback
    if isinstance(store, SqliteStore) and store.path != ":memory:":
        folder = pathlib.Path(store.path).parent
    return folder / "watcher.db"
