"""Read a snapshot from the store; without a store, say that nothing is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from spotter.alerts.announcements import (
    Maintenance,
    PublicIncident,
    maintenance,
    public_incidents,
)
from spotter.alerts.book import Book
from spotter.alerts.uptime import History, State, histories, states
from spotter.conf import get_settings
from spotter.statuspage.page import StatusPage
from spotter.statuspage.snapshot import (
    PAST_SECONDS,
    UNKNOWN,
    Component,
    Snapshot,
    component,
)
from spotter.stores import Store
from spotter.stores.sql import SqlStore


def read(page: StatusPage, store: Store, now: float) -> Snapshot:
    """The page as the store has it; raises StoreError."""
    incidents: Sequence[PublicIncident] = ()
    windows: Sequence[Maintenance] = ()
    if isinstance(store, SqlStore):
        with Book(store).reading() as book:
            incidents = public_incidents(book, now - PAST_SECONDS)
            windows = maintenance(book, now)
    known = histories(store, now, get_settings().probe_seconds)
    return Snapshot(
        title=page.title,
        as_of=now,
        components=components(page, known, states(store, now)),
        incidents=incidents,
        maintenance=windows,
    )


def components(
    page: StatusPage, known: Mapping[str, History], found: Mapping[str, State]
) -> list[Component]:
    """Every component, in the order of the settings."""
    return [component(page, name, known, found) for name in page.components]


def blind(page: StatusPage, last: Snapshot | None, now: float) -> Snapshot:
    """What is left to say when the store can't be read: what was, and since when."""
    if last is None:
        nothing = components(page, {}, {})
        return Snapshot(
            title=page.title, as_of=now, components=nothing, incidents=(),
            maintenance=(),
        )  # fmt: skip
    return dataclasses.replace(
        last,
        as_of=now,
        components=[
            dataclasses.replace(
                each, status=UNKNOWN, unknown_since=each.unknown_since or last.as_of
            )
            for each in last.components
        ],
    )
