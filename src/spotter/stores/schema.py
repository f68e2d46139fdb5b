"""The tables of the SQL stores, and how an older file becomes a newer one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from spotter.stores.contract import (
    DETAILS,
    LADDERS,
    LEVELS,
    PROBED,
    PROBES,
    Level,
    StoreError,
    detailed_names,
)

#: Runs one statement and gives all its rows.
Execute = Callable[..., list[Any]]

VERSION = 3
#: Statements that lead from the version before to each, before the tables are made; 1 was
#: never released, and its tables were in another order.
UPGRADES = {
    2: [f"DROP TABLE IF EXISTS spotter_points_{level.window}" for level in LEVELS]
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What the types are called, and what follows a table that has no row ids."""

    serial: str
    blob: str
    real: str
    big: str
    suffix: str


def table(level: Level) -> str:
    """The table that holds a level's points."""
    return f"spotter_{level.kind}_{level.window}"


def upgrade(execute: Execute, dialect: Dialect) -> None:
    """
    Make the tables, or bring those of an older version up to this one.

    Called with the writer's lock held, in one transaction: of several processes that
    start at once, one does it.

    Raises:
        StoreError: a newer Spotter has written the store; nothing was changed.
    """
    execute(
        "CREATE TABLE IF NOT EXISTS spotter_meta "
        f"(name TEXT PRIMARY KEY, value {dialect.big} NOT NULL)"
    )
    found = execute("SELECT value FROM spotter_meta WHERE name = 'schema'")
    version = found[0][0] if found else VERSION
    if version > VERSION:
        raise StoreError(
            f"The store was written by a newer Spotter (schema {version}; this one "
            f"knows {VERSION}). Upgrade django-spotter, or name another store.",
            retry=False,
        )
    for step in range(version + 1, VERSION + 1):
        for statement in UPGRADES.get(step, ()):
            execute(statement)
    for statement in statements(dialect):
        execute(statement)
    if version < 3:
        part_kinds(execute)
    execute(
        "INSERT INTO spotter_meta (name, value) VALUES ('schema', ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (VERSION,),
    )


def part_kinds(execute: Execute) -> None:
    """
    Move to tables of their own what lay among all points: probes, statements by day.

    Days are rolled up from six hours now, not from one: the day that is going on is
    begun anew.
    """
    execute(
        "DELETE FROM spotter_points_86400 WHERE starts_at >= (SELECT "
        "value / 86400 * 86400 FROM spotter_meta WHERE name = 'rolled_86400')"
    )
    execute(
        "UPDATE spotter_meta SET value = value / 86400 * 86400 "
        "WHERE name = 'rolled_86400'"
    )
    of_kind = {PROBES: PROBED, DETAILS[-2:-1]: detailed_names()}
    for ladder, names in of_kind.items():
        marks = ", ".join("?" * len(names))
        mine = f"series_id IN (SELECT id FROM spotter_series WHERE name IN ({marks}))"
        for level in ladder:
            execute(
                f"INSERT INTO {table(level)} SELECT * FROM "
                f"spotter_points_{level.window} WHERE {mine}",
                tuple(names),
            )
    execute(
        "INSERT INTO spotter_meta (name, value) "
        "SELECT REPLACE(name, 'rolled_', 'rolled_probes_'), value FROM spotter_meta "
        "WHERE name IN ('rolled_60', 'rolled_3600', 'rolled_86400')"
    )


def statements(dialect: Dialect) -> list[str]:
    """The statements that make the tables where they are not there."""
    serial, blob, real, big = dialect.serial, dialect.blob, dialect.real, dialect.big
    columns = (
        f"count {big} NOT NULL, sum {real} NOT NULL, minimum {real}, maximum {real}, "
        f"zeros {big}, last {real}, last_at {real}, buckets {blob}"
    )
    return [
        f"CREATE TABLE IF NOT EXISTS spotter_series (id {big} PRIMARY KEY, name TEXT NOT NULL, "
        "labels TEXT NOT NULL, UNIQUE (name, labels))",
        f"CREATE TABLE IF NOT EXISTS spotter_batches (id TEXT PRIMARY KEY, written_at {real} NOT NULL)",
        # The trimming of old ones, and when the last was written.
        "CREATE INDEX IF NOT EXISTS spotter_batches_by_time ON spotter_batches (written_at)",
        f"CREATE TABLE IF NOT EXISTS spotter_samples (id {serial}, kind TEXT NOT NULL, "
        f"key TEXT NOT NULL, hour {big} NOT NULL, at {real} NOT NULL, "
        f"weight {real} NOT NULL, body {blob} NOT NULL)",
        # The keeping of the weightiest, and a key's examples on its page.
        "CREATE INDEX IF NOT EXISTS spotter_samples_by_key ON spotter_samples (kind, key, hour)",
        # The latest examples of a kind; those too light are passed over in the index.
        "CREATE INDEX IF NOT EXISTS spotter_samples_by_weight ON spotter_samples (kind, at, weight)",
        "DROP INDEX IF EXISTS spotter_samples_by_time",
        # By time: a flush, a roll-up and a trim each touch one stretch of the table.
        *(
            f"CREATE TABLE IF NOT EXISTS {table(level)} (starts_at {big} NOT NULL, "
            f"series_id {big} NOT NULL, {columns}, "
            f"PRIMARY KEY (starts_at, series_id)){dialect.suffix}"
            for ladder in LADDERS
            for level in ladder
        ),
        f"CREATE TABLE IF NOT EXISTS spotter_totals (series_id {big} PRIMARY KEY, "
        f"updated_at {real} NOT NULL, {columns})",
        "INSERT INTO spotter_meta (name, value) VALUES ('generation', 0), "
        "('house_kept', 0), ('trimmed', 0) ON CONFLICT DO NOTHING",
        *alert_statements(dialect),
    ]


def alert_statements(dialect: Dialect) -> list[str]:
    """The tables of alerting; `body`, `labels` and `status` are JSON."""
    serial, real, big = dialect.serial, dialect.real, dialect.big
    make = "CREATE TABLE IF NOT EXISTS"
    return [
        f"{make} spotter_alerts (key TEXT PRIMARY KEY, rule TEXT NOT NULL, "
        f"labels TEXT NOT NULL, status TEXT NOT NULL, incident_id {big}, "
        f"updated_at {real} NOT NULL)",
        f"{make} spotter_incidents (id {serial}, dedup_key TEXT NOT NULL, "
        f"state TEXT NOT NULL, severity TEXT NOT NULL, opened_at {real} NOT NULL, "
        f"touched_at {real} NOT NULL, resolved_at {real}, body TEXT NOT NULL)",
        # What is open, and what has just ended, is asked for in every cycle.
        "CREATE INDEX IF NOT EXISTS spotter_incidents_by_end "
        "ON spotter_incidents (resolved_at)",
        f"{make} spotter_incident_events (id {serial}, incident_id {big} NOT NULL, "
        f"at {real} NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, actor TEXT NOT NULL)",
        "CREATE INDEX IF NOT EXISTS spotter_incident_events_by_incident "
        "ON spotter_incident_events (incident_id)",
        # The key makes a second decision to send the same a no-op.
        f"{make} spotter_outbox (id {serial}, key TEXT NOT NULL UNIQUE, "
        f"incident_id {big} NOT NULL, channel TEXT NOT NULL, kind TEXT NOT NULL, "
        f"state TEXT NOT NULL, attempts {big} NOT NULL, created_at {real} NOT NULL, "
        f"due_at {real} NOT NULL, claimed_until {real} NOT NULL, done_at {real}, "
        "reason TEXT NOT NULL, error TEXT NOT NULL, notice TEXT NOT NULL)",
        "CREATE INDEX IF NOT EXISTS spotter_outbox_by_incident "
        "ON spotter_outbox (incident_id, channel)",
        "CREATE INDEX IF NOT EXISTS spotter_outbox_by_state "
        "ON spotter_outbox (state, due_at)",
        f"{make} spotter_silences (id {serial}, matchers TEXT NOT NULL, "
        f"author TEXT NOT NULL, reason TEXT NOT NULL, starts_at {real} NOT NULL, "
        f"ends_at {real} NOT NULL, created_at {real} NOT NULL)",
        # Channels that are shut; `settings` is a keyed hash of what the channel was.
        f"{make} spotter_shut (channel TEXT PRIMARY KEY, settings TEXT NOT NULL, "
        f"reason TEXT NOT NULL, at {real} NOT NULL)",
        f"{make} spotter_leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, "
        f"until {real} NOT NULL)",
        f"{make} spotter_pings (id {serial}, name TEXT NOT NULL, kind TEXT NOT NULL, "
        f"at {real} NOT NULL, body TEXT NOT NULL)",
        "CREATE INDEX IF NOT EXISTS spotter_pings_by_name ON spotter_pings (name, at)",
        *uptime_statements(dialect),
    ]


def uptime_statements(dialect: Dialect) -> list[str]:
    """The tables of uptime: outages, and the jobs that must report."""
    serial, real, big = dialect.serial, dialect.real, dialect.big
    make = "CREATE TABLE IF NOT EXISTS"
    return [
        f"{make} spotter_outages (id {serial}, monitor TEXT NOT NULL, "
        f"began_at {real} NOT NULL, ended_at {real}, reason TEXT NOT NULL)",
        "CREATE INDEX IF NOT EXISTS spotter_outages_by_end ON spotter_outages (ended_at)",
        f"{make} spotter_jobs (name TEXT PRIMARY KEY, every_seconds {real} NOT NULL, "
        f"grace_seconds {real} NOT NULL, max_seconds {real}, is_backup {big} NOT NULL, "
        f"registered_at {real} NOT NULL)",
        # What operators tell the public: of an incident, or of a silence that is a
        # maintenance window.
        f"{make} spotter_announcements (id {serial}, incident_id {big}, "
        f"silence_id {big}, at {real} NOT NULL, state TEXT NOT NULL, "
        "title TEXT NOT NULL, text TEXT NOT NULL)",
        "CREATE INDEX IF NOT EXISTS spotter_announcements_by_time "
        "ON spotter_announcements (at)",
    ]
