"""
A spare book in a file of the watcher's own, for when the store is gone.

It always holds a copy of what is open, with the same numbers. While the store can't be
written, the watcher goes on in it, and people's answers go there too; afterwards what
happened is copied back, also by a watcher that was started since.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings as django_settings

from spotter.alerts.book import DELIVERY, INCIDENT, Book, Page
from spotter.alerts.book import as_json as dumps
from spotter.alerts.desk import ENDS, history, next_key, to_decide
from spotter.alerts.evidence import keep, kept
from spotter.alerts.matchers import written
from spotter.alerts.naming import is_dead
from spotter.alerts.records import (
    ACKNOWLEDGED,
    OPEN,
    PENDING,
    RESOLVED,
    SENT,
    Delivery,
    Incident,
    Silence,
)
from spotter.stores.contract import StoreError
from spotter.stores.sql import SqlStore
from spotter.stores.sqlite import MEMORY, SqliteStore

logger = logging.getLogger("spotter.watcher")

#: How far back the copy goes: what ended before is of no use to a watcher.
COPY_SECONDS = 24 * 3600.0
#: Whose lead of the spare book ended so long ago is gone.
GONE_SECONDS = 60.0
#: What people said of an incident: of two books, that counts where they spoke last.
SAID = (
    "acknowledged_by", "acknowledged_at", "first_acknowledged_at", "resolution",
    "responded_at",
)  # fmt: skip


class Spare:
    """The file, and the copying to and fro."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._copied = ""
        is_usable = is_place(path.parent)
        self.book = Book(SqliteStore(path if is_usable else MEMORY))
        if not is_usable:
            logger.warning(
                "%s takes no files: the watcher's spare book is in memory, and gone with it. "
                "Give the watcher a folder there that it may write to.", path.parent,
            )  # fmt: skip

    def go_on_in_memory(self) -> None:
        """The file can't be used either; what is open begins anew, under the same keys."""
        self._use(MEMORY)

    def use_file(self) -> None:
        """Use the file again, once the store is back."""
        store = self.book.store
        is_in_memory = isinstance(store, SqliteStore) and store.path == MEMORY
        if is_in_memory and is_place(self.path.parent):
            self._use(self.path)

    def _use(self, path: str | pathlib.Path) -> None:
        self.book.store.close()
        self.book = Book(SqliteStore(path))
        self._copied = ""

    def is_left_over(self) -> bool:
        """Whether a watcher that used it ended before it could give it back."""
        try:
            return self._holder() is not None
        except StoreError:
            return False

    def is_free(self, book: Book, now: float) -> bool:
        """
        Whether no other watcher of this machine goes on in it.

        What one left there that is gone is given back first.
        """
        holder = self._holder()
        if holder is None:
            return True
        name, until = holder
        # Either way: the clock may have been set back since.
        if not is_dead(name) and abs(now - until) <= GONE_SECONDS:
            return False
        self.give_back(book, now, leads=False)
        return True

    def _holder(self) -> tuple[str, float] | None:
        with self.book.reading() as page:
            return page.leader()

    def copy(self, book: Book, now: float) -> None:
        """Copy what is open from the store's book, if anything of it changed."""
        with book.reading() as page:
            incidents = to_copy(page, now)
            rows = {each.id: history(page, each.id) for each in incidents}
            alerts, silences = page.alerts(), page.silences(now)
            shut = page.shut_channels()
        state = dumps(
            [
                # As they are: asdict() would copy each notice for the comparison.
                incidents,
                list(rows.values()),
                sorted((a.key, a.status.state, a.incident) for a in alerts.values()),
                [dataclasses.asdict(s) for s in silences],
                sorted(shut),
            ]
        )
        if state == self._copied:
            return
        with book.reading() as page:
            evidence = {each.id: kept(page, each.id) for each in incidents}
        with self.book.writing() as spare:
            empty(spare)
            for alert in alerts.values():
                spare.save_alert(alert, now)
            for incident in incidents:
                insert(spare, "spotter_incidents", INCIDENT, row_of(incident))
                keep(spare, incident.id, incident.opened_at, evidence[incident.id])
                for each in rows[incident.id]:
                    values = values_of(each)
                    insert(
                        spare,
                        "spotter_outbox",
                        DELIVERY,
                        (*values[:-1], dumps(each.notice)),
                    )
            for silence in reversed(silences):
                number = write_silence(spare, silence, now)
                spare.run(
                    "UPDATE spotter_silences SET id = ? WHERE id = ?",
                    (silence.id, number),
                )
            for name, why in shut.items():
                spare.shut(name, why.settings, why.reason, why.at)
        self._copied = state

    def give_back(self, book: Book, now: float, *, leads: bool = True) -> None:
        """
        Copy what happened meanwhile into the store's book.

        Who does not lead gives back what people said and who was told; what fires is
        for the leader to say.

        Inside of one transaction of the spare book: who answers in that moment waits,
        and then finds the store.
        """
        with self.book.writing() as spare:
            incidents = spare.incidents(limit=None)
            with book.writing() as page:
                numbers = {
                    each.id: adopt(page, each, now, leads=leads)
                    for each in reversed(incidents)
                }
                for incident in incidents:
                    give_back_events(
                        spare, page, incident.id, numbers[incident.id], now
                    )
                for silence in reversed(spare.silences()):
                    adopt_silence(page, silence, numbers, now)
                if leads:
                    give_back_shut(spare, page, now)
                for alert in spare.alerts().values() if leads else ():
                    known = numbers.get(alert.incident or 0, alert.incident)
                    page.save_alert(dataclasses.replace(alert, incident=known), now)
            empty(spare)
        self._copied = ""


def is_place(folder: pathlib.Path) -> bool:
    """Whether files can be written there; makes the folder where there is none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def to_copy(page: Page, now: float) -> list[Incident]:
    """All that a watcher needs to go on, and the latest of the last day for people."""
    latest = page.incidents(since=now - COPY_SECONDS)
    found = {each.id: each for each in (*to_decide(page, now), *latest)}
    return [found[id_] for id_ in sorted(found, reverse=True)]


def give_back_events(
    spare: Page, page: Page, number: int, known: int, now: float
) -> None:
    """Copy the timeline, the evidence and the deliveries of one incident."""
    keep(page, known, now, kept(spare, number))
    there = page.deliveries(known, limit=2000)
    for each in reversed(spare.deliveries(number, limit=2000)):
        tail = each.key.partition(":")[2]
        each = dataclasses.replace(each, key=f"{known}:{tail}", incident=known)
        if is_said_after_the_end(each, there):
            mine = [d for d in there if d.channel == each.channel]
            key = next_key(known, each.channel, each.kind, mine)
            each = dataclasses.replace(each, key=key)
            there.append(each)
        upsert_delivery(page, (*values_of(each)[1:-1], dumps(each.notice)))
    for event in spare.events(number):
        page.note(known, event.at, event.kind, event.text, event.actor)


def is_said_after_the_end(ours: Delivery, there: Sequence[Delivery]) -> bool:
    """
    Whether the store's book knows of its like, and of an end before this was sent.

    Who leads has told the end; who was cut off said it once more. It is another message,
    or nobody would tell its end.
    """
    mine = [d for d in there if d.channel == ours.channel and d.state == SENT]
    if ours.state != SENT or any(
        (d.kind, d.done_at) == (ours.kind, ours.done_at) for d in mine
    ):
        return False
    is_known = any(d.key == ours.key for d in mine)
    return is_known and any(
        d.kind in ENDS and (d.done_at or 0) < (ours.done_at or 0) for d in mine
    )


def write_silence(page: Page, silence: Silence, now: float) -> int:
    """Write a silence of another book."""
    return page.silence(
        silence.matchers, silence.author, silence.reason, silence.starts_at,
        silence.ends_at, now, kind=silence.kind, incident=silence.incident,
    )  # fmt: skip


def adopt_silence(
    page: Page, silence: Silence, numbers: Mapping[int, int], now: float
) -> None:
    """Write one of the spare book into the store's, or its end if it is there."""
    there = page.silences(silence.starts_at - 1)
    found = next((each for each in there if are_one(silence, each)), None)
    if found is None:
        incident = numbers.get(silence.incident or 0, silence.incident)
        write_silence(page, dataclasses.replace(silence, incident=incident), now)
    elif silence.ends_at < found.ends_at:
        page.end_silence(found.id, silence.ends_at, silence.ended_by)


def are_one(ours: Silence, other: Silence) -> bool:
    """
    Whether they are the same in two books, whatever its end.

    A script makes one like the last in every deploy: the beginning tells them apart. One
    that was ended before it began has another beginning, and the number that it had.
    """
    if identity(ours) != identity(other):
        return False
    is_called_off = ours.id == other.id and ours.starts_at == ours.ends_at
    return ours.starts_at == other.starts_at or is_called_off


def identity(silence: Silence) -> tuple[object, ...]:
    """What two books have in common of one silence."""
    return (silence.author, silence.reason, written(silence.matchers))


def give_back_shut(spare: Page, page: Page, now: float) -> None:
    """Shut the channels that were shut meanwhile, and open those that were opened."""
    shut = spare.shut_channels()
    for name, why in shut.items():
        page.shut(name, why.settings, why.reason, why.at)
    for name in page.shut_channels().keys() - shut.keys():
        page.open_again(name, now)


def empty(page: Page) -> None:
    """Delete everything."""
    names = (
        *("alerts", "incidents", "incident_events", "outbox", "silences", "leases"),
        "shut",
    )
    for table in names:
        page.run(f"DELETE FROM spotter_{table}")  # noqa: S608 (names of ours)


def insert(page: Page, table: str, columns: str, values: tuple[object, ...]) -> None:
    """Insert a row with its number."""
    marks = ", ".join("?" * len(values))
    page.run(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)  # noqa: S608


def row_of(incident: Incident) -> tuple[object, ...]:
    """An incident's columns."""
    return (*values_of(incident)[:-1], dumps(incident.body))


def adopt(page: Page, incident: Incident, now: float, *, leads: bool) -> int:
    """Write an incident of the spare book into the store's; give its number there."""
    known = same_there(page, incident)
    is_left_open = not leads and incident.state != RESOLVED
    if known is not None:
        both = merged(incident, known) if leads else merged(known, incident)
        if is_left_open and both.state == RESOLVED:
            # Whoever was told since that it is open is still to be told of its end.
            both = dataclasses.replace(both, resolved_at=now, touched_at=now)
        page.save_incident(dataclasses.replace(both, id=known.id))
        return known.id
    made = page.open_incident(
        incident.dedup_key, incident.severity, incident.opened_at, incident.body
    )
    if is_left_open:
        page.note(made.id, now, "closed", "the watcher that leads does not see it")
        incident = dataclasses.replace(incident, state=RESOLVED, resolved_at=now)
    page.save_incident(dataclasses.replace(incident, id=made.id))
    return made.id


def same_there(page: Page, incident: Incident) -> Incident | None:
    """
    The same incident in the store's book: the one that was copied, or opened meanwhile.

    Both books count from one: what began in the spare book may have the number, and
    the key, of something that is long over.
    """
    known = page.incident(incident.id)
    if known is not None and (known.dedup_key, known.opened_at) == (
        incident.dedup_key, incident.opened_at,
    ):  # fmt: skip
        return known
    is_open = page.incidents((OPEN, ACKNOWLEDGED), limit=None)
    return next((i for i in is_open if i.dedup_key == incident.dedup_key), None)


def merged(ours: Incident, other: Incident) -> Incident:
    """An incident as the leader knows it, with what people said last in either book."""
    body = {**other.body, **ours.body}
    if last_said(other.body) > last_said(ours.body):
        body |= {name: other.body[name] for name in SAID if name in other.body}
        if ours.state != RESOLVED and other.state != RESOLVED:
            ours = dataclasses.replace(ours, state=other.state)
    return dataclasses.replace(ours, body=body)


def last_said(body: Mapping[str, Any]) -> float:
    """When somebody last answered."""
    return float(body.get("responded_at") or 0.0)


def upsert_delivery(page: Page, values: tuple[object, ...]) -> None:
    """Write a delivery, or what became of one that is there."""
    columns = DELIVERY.removeprefix("id, ")
    marks = ", ".join("?" * len(values))
    page.run(
        f"INSERT INTO spotter_outbox ({columns}) VALUES ({marks}) "  # noqa: S608
        "ON CONFLICT (key) DO UPDATE SET state = excluded.state, "
        "attempts = excluded.attempts, due_at = excluded.due_at, claimed_until = 0, "
        "done_at = excluded.done_at, error = excluded.error "
        # What somebody else has sent since is not to be sent again.
        "WHERE spotter_outbox.state = ? OR excluded.state = ?",
        (*values, PENDING, SENT),
    )


def spare_path(store: SqlStore, fallback: pathlib.Path) -> pathlib.Path:
    """Beside the store's file, or below the project."""
    folder = fallback
    if isinstance(store, SqliteStore) and store.path != ":memory:":
        folder = pathlib.Path(store.path).parent
    return folder / "watcher.db"


def var_folder() -> pathlib.Path:
    """Where Spotter keeps files of its own."""
    base = getattr(django_settings, "BASE_DIR", None) or os.getcwd()
    return pathlib.Path(base, "var", "spotter")


def current(store: SqlStore, now: float) -> Book:
    """The book that counts now: the spare one while this machine's watcher is on it."""
    path = spare_path(store, var_folder())
    if path.exists():
        try:
            with opened(str(path)).reading() as page:
                leader = page.leader()
        except StoreError:
            leader = None
        if leader is not None and leader[1] > now:
            return opened(str(path))
    return Book(store)


@functools.lru_cache(maxsize=8)
def opened(path: str) -> Book:
    """The spare book as others than its watcher see it."""
    return Book(SqliteStore(path))


def values_of(record: Any) -> tuple[Any, ...]:
    """A record's fields; astuple() would copy each notice down to its last word."""
    return tuple(getattr(record, field.name) for field in dataclasses.fields(record))
