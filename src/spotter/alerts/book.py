"""
The book of alerting: alerts, incidents, what to send, silences, who leads.

It lies in the store, so that several watchers and the dashboard share it. Every change
is one transaction under the store's writer's lock: a transition, its incident and what
is to be sent about it are written together or not at all.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from spotter.alerts import matchers as matching
from spotter.alerts.machine import State, Status
from spotter.alerts.matchers import Matcher
from spotter.alerts.records import (
    EVIDENCE,
    OPEN,
    PENDING,
    SILENCE,
    SUPPRESSED,
    Alert,
    Delivery,
    Event,
    Incident,
    Ping,
    Shut,
    Silence,
)
from spotter.stores.schema import Execute
from spotter.stores.sql import SqlStore

#: How much is kept of why a message was not delivered.
MAX_ERROR = 500
#: How long incidents and decisions are kept, and pings.
KEEP_SECONDS, KEEP_PINGS_SECONDS = 730 * 86400.0, 90 * 86400.0


DELIVERY = (
    "id, key, incident_id, channel, kind, state, attempts, created_at, due_at, "
    "claimed_until, done_at, reason, error, notice"
)
INCIDENT = "id, dedup_key, state, severity, opened_at, touched_at, resolved_at, body"


class Page:
    """The book inside one transaction."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run a statement that has no method of its own; give its rows."""
        return self._execute(statement, values)

    # Alerts.

    def alerts(self) -> dict[str, Alert]:
        """All that are not inactive, or were not long ago."""
        rows = self._execute(
            "SELECT key, rule, labels, status, incident_id FROM spotter_alerts"
        )
        return {row[0]: alert_of(*row) for row in rows}

    def save_alert(self, alert: Alert, now: float) -> None:
        """Write one as it is now."""
        values = (
            alert.key, alert.rule, as_json(dict(alert.labels)), status_json(alert),
            alert.incident, now,
        )  # fmt: skip
        self._execute(
            "INSERT INTO spotter_alerts (key, rule, labels, status, incident_id, "
            "updated_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "labels = excluded.labels, status = excluded.status, "
            "incident_id = excluded.incident_id, updated_at = excluded.updated_at",
            values,
        )

    def delete_alert(self, key: str) -> None:
        """Forget one whose rule or series is gone."""
        self._execute("DELETE FROM spotter_alerts WHERE key = ?", (key,))

    # Incidents.

    def incidents(
        self, states: Sequence[str] = (), *, since: float = 0.0, limit: int | None = 200
    ) -> list[Incident]:
        """Those that are open or ended after an instant, the latest first."""
        marks = ", ".join("?" * len(states))
        which = f"state IN ({marks}) AND" if states else ""
        rows = self._execute(
            f"SELECT {INCIDENT} FROM spotter_incidents WHERE {which} "
            "(resolved_at IS NULL OR resolved_at >= ?) ORDER BY id DESC"
            f"{'' if limit is None else ' LIMIT ?'}",
            (*states, since, *(() if limit is None else (limit,))),
        )
        return [incident_of(row) for row in rows]

    def incident(self, id_: int) -> Incident | None:
        """One by its number."""
        rows = self._execute(
            f"SELECT {INCIDENT} FROM spotter_incidents WHERE id = ?",
            (id_,),
        )
        return incident_of(rows[0]) if rows else None

    def open_incident(
        self, dedup_key: str, severity: str, now: float, body: Mapping[str, Any]
    ) -> Incident:
        """Begin a new one."""
        rows = self._execute(
            "INSERT INTO spotter_incidents (dedup_key, state, severity, opened_at, "
            f"touched_at, body) VALUES (?, ?, ?, ?, ?, ?) RETURNING {INCIDENT}",
            (dedup_key, OPEN, severity, now, now, as_json(dict(body))),
        )
        return incident_of(rows[0])

    def save_incident(self, incident: Incident) -> None:
        """Write one as it is now."""
        self._execute(
            "UPDATE spotter_incidents SET state = ?, severity = ?, touched_at = ?, "
            "resolved_at = ?, body = ? WHERE id = ?",
            (
                incident.state, incident.severity, incident.touched_at,
                incident.resolved_at, as_json(incident.body), incident.id,
            ),
        )  # fmt: skip

    def note(
        self, incident: int, at: float, kind: str, text: str, actor: str = ""
    ) -> None:
        """Add a line to an incident's timeline."""
        self._execute(
            "INSERT INTO spotter_incident_events (incident_id, at, kind, text, actor) "
            "VALUES (?, ?, ?, ?, ?)",
            (incident, at, kind, text, actor),
        )

    def events(self, incident: int) -> list[Event]:
        """Its timeline, from the beginning."""
        rows = self._execute(
            "SELECT incident_id, at, kind, text, actor FROM spotter_incident_events "
            "WHERE incident_id = ? AND kind <> ? ORDER BY at, id",
            (incident, EVIDENCE),
        )
        return [
            Event(incident=i, at=a, kind=k, text=t, actor=w) for i, a, k, t, w in rows
        ]

    # Deliveries.

    def decide(
        self,
        key: str,
        incident: int,
        channel: str,
        kind: str,
        *,
        state: str,
        now: float,
        reason: str,
        notice: Mapping[str, Any] | None = None,
    ) -> bool:
        """Write a decision down; False when it was taken before."""
        done = now if state == SUPPRESSED else None
        return bool(
            self._execute(
                f"INSERT INTO spotter_outbox ({DELIVERY.removeprefix('id, ')}) "
                "VALUES (?, ?, ?, ?, ?, 0, ?, ?, 0, ?, ?, '', ?) "
                "ON CONFLICT (key) DO NOTHING RETURNING id",
                (
                    key, incident, channel, kind, state, now, now, done, reason,
                    as_json(dict(notice or {})),
                ),
            )
        )  # fmt: skip

    def deliveries(
        self, incident: int | None = None, limit: int = 200
    ) -> list[Delivery]:
        """What was decided, the latest first."""
        which = "" if incident is None else "WHERE incident_id = ?"
        rows = self._execute(
            f"SELECT {DELIVERY} FROM spotter_outbox {which} ORDER BY id DESC LIMIT ?",
            (*(() if incident is None else (incident,)), limit),
        )
        return [delivery_of(row) for row in rows]

    def due_channels(self, now: float) -> list[str]:
        """Channels for which something waits that may be sent now."""
        rows = self._execute(
            "SELECT DISTINCT channel FROM spotter_outbox WHERE state = 'pending' "
            "AND due_at <= ? AND claimed_until <= ?",
            (now, now),
        )
        return sorted(row[0] for row in rows)

    def claim(
        self, now: float, lease_seconds: float, channel: str, limit: int = 1
    ) -> list[Delivery]:
        """
        Take what is due on; nobody else gets it before the lease ends.

        What follows on a message that waits, or is being sent, waits with it: those of
        an incident keep their order.
        """
        rows = self._execute(
            "UPDATE spotter_outbox SET claimed_until = ?, attempts = attempts + 1 "
            "WHERE id IN (SELECT id FROM spotter_outbox mine WHERE state = 'pending' "
            "AND channel = ? AND due_at <= ? AND claimed_until <= ? "
            "AND NOT EXISTS (SELECT 1 FROM spotter_outbox earlier "
            "WHERE earlier.incident_id = mine.incident_id "
            "AND earlier.channel = mine.channel AND earlier.state = 'pending' "
            "AND earlier.id < mine.id "
            "AND (earlier.due_at > ? OR earlier.claimed_until > ?)) "
            f"ORDER BY id LIMIT ?) RETURNING {DELIVERY}",
            (now + lease_seconds, channel, now, now, now, now, limit),
        )
        return sorted(map(delivery_of, rows), key=lambda each: each.id)

    def release(self) -> None:
        """Let go of what somebody who is gone was sending."""
        self._execute(
            "UPDATE spotter_outbox SET claimed_until = 0 WHERE state = 'pending'"
        )

    def mark(
        self,
        id_: int,
        state: str,
        now: float,
        *,
        error: str = "",
        due_at: float | None = None,
        notice: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down what became of a claimed delivery."""
        done = None if state == PENDING else now
        self._execute(
            "UPDATE spotter_outbox SET state = ?, error = ?, done_at = ?, "
            "due_at = COALESCE(?, due_at), notice = COALESCE(?, notice), "
            "claimed_until = 0 WHERE id = ?",
            (
                state, error[:MAX_ERROR], done, due_at,
                None if notice is None else as_json(dict(notice)), id_,
            ),
        )  # fmt: skip

    # Channels that are shut.

    def shut(self, channel: str, settings: str, reason: str, now: float) -> None:
        """Keep what waits for a channel until it is opened again."""
        self._execute(
            "INSERT INTO spotter_shut (channel, settings, reason, at) "
            "VALUES (?, ?, ?, ?) ON CONFLICT (channel) DO UPDATE SET "
            "settings = excluded.settings, reason = excluded.reason, at = excluded.at",
            (channel, settings, reason, now),
        )

    def shut_channels(self) -> dict[str, Shut]:
        """Those that are, by their names."""
        rows = self._execute("SELECT channel, settings, reason, at FROM spotter_shut")
        return {row[0]: Shut(settings=row[1], reason=row[2], at=row[3]) for row in rows}

    def open_again(self, channel: str, now: float) -> bool:
        """Send to it again, what waited first; False when it was not shut."""
        found = self._execute(
            "DELETE FROM spotter_shut WHERE channel = ? RETURNING channel", (channel,)
        )
        if found:
            self._execute(
                "UPDATE spotter_outbox SET due_at = ? WHERE channel = ? "
                "AND state = 'pending' AND due_at > ?",
                (now, channel, now),
            )
        return bool(found)

    # Silences.

    def silences(self, since: float = 0.0) -> list[Silence]:
        """Those that end after an instant."""
        rows = self._execute(
            "SELECT id, matchers, author, reason, starts_at, ends_at "
            "FROM spotter_silences WHERE ends_at > ? ORDER BY id DESC LIMIT 500",
            (since,),
        )
        return [silence_of(*row) for row in rows]

    def silence(
        self,
        matchers: Mapping[str, str] | Sequence[Matcher],
        author: str,
        reason: str,
        starts_at: float,
        ends_at: float,
        now: float,
        *,
        kind: str = SILENCE,
        incident: int | None = None,
    ) -> int:
        """Write a silence down and give its number."""
        if isinstance(matchers, Mapping):
            matchers = matching.of(matchers)
        body = {
            "matchers": [dataclasses.astuple(each) for each in matchers],
            "kind": kind,
            "incident": incident,
        }
        rows = self._execute(
            "INSERT INTO spotter_silences (matchers, author, reason, starts_at, "
            "ends_at, created_at) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (as_json(body), author, reason, starts_at, ends_at, now),
        )
        return int(rows[0][0])

    def end_silence(self, id_: int, now: float, actor: str = "") -> bool:
        """End it now; False when there is none, or it has ended."""
        rows = self._execute(
            "UPDATE spotter_silences SET ends_at = ?, starts_at = "
            "CASE WHEN starts_at > ? THEN ? ELSE starts_at END "
            "WHERE id = ? AND ends_at > ? RETURNING matchers",
            (now, now, now, id_, now),
        )
        if rows and actor:
            body = {**orjson.loads(rows[0][0]), "ended_by": actor}
            self._execute(
                "UPDATE spotter_silences SET matchers = ? WHERE id = ?",
                (as_json(body), id_),
            )
        return bool(rows)

    # Pings.

    def ping(self, ping: Ping) -> None:
        """Write a job's sign of life down."""
        self._execute(
            "INSERT INTO spotter_pings (name, kind, at, body) VALUES (?, ?, ?, ?)",
            (ping.name, ping.kind, ping.at, as_json(ping.body)),
        )

    def pings(
        self, name: str | None = None, since: float = 0.0, limit: int = 2000
    ) -> list[Ping]:
        """The latest first."""
        which = "" if name is None else "name = ? AND"
        rows = self._execute(
            f"SELECT name, kind, at, body FROM spotter_pings WHERE {which} at >= ? "
            "ORDER BY at DESC, id DESC LIMIT ?",
            (*(() if name is None else (name,)), since, limit),
        )
        return [Ping(name=n, kind=k, at=a, body=orjson.loads(b)) for n, k, a, b in rows]

    # Leadership.

    def lead(self, holder: str, now: float, seconds: float) -> bool:
        """Take or keep the lead; False while somebody else has it."""
        return bool(
            self._execute(
                "INSERT INTO spotter_leases (name, holder, until) "
                "VALUES ('watcher', ?, ?) ON CONFLICT (name) DO UPDATE SET "
                "holder = excluded.holder, until = excluded.until "
                "WHERE spotter_leases.holder = excluded.holder "
                # One that ends in the far future was taken before the clock went back.
                "OR spotter_leases.until <= ? OR spotter_leases.until > ? RETURNING name",
                (holder, now + seconds, now, now + 10 * seconds),
            )
        )

    def leader(self) -> tuple[str, float] | None:
        """Who leads, and until when."""
        rows = self._execute(
            "SELECT holder, until FROM spotter_leases WHERE name = 'watcher'"
        )
        return (str(rows[0][0]), float(rows[0][1])) if rows else None

    def resign(self, holder: str) -> None:
        """Let somebody else have the lead at once."""
        self._execute(
            "DELETE FROM spotter_leases WHERE name = 'watcher' AND holder = ?",
            (holder,),
        )

    def successes(self, prefix: str) -> dict[str, float]:
        """When each job whose name begins so last reported success."""
        rows = self._execute(
            "SELECT name, MAX(at) FROM spotter_pings WHERE kind = 'success' "
            "AND name >= ? AND name < ? GROUP BY name",
            (prefix, prefix + "\U0010ffff"),
        )
        return {str(name): float(at) for name, at in rows}

    def note_first_start(self, now: float) -> None:
        """Write down when a watcher first started here; later ones change nothing."""
        self._execute(
            "INSERT INTO spotter_leases (name, holder, until) "
            "VALUES ('first start', '', ?) ON CONFLICT (name) DO NOTHING",
            (now,),
        )

    def watched_since(self) -> float | None:
        """When a watcher first started here; None when none ever did."""
        rows = self._execute(
            "SELECT until FROM spotter_leases WHERE name = 'first start'"
        )
        return float(rows[0][0]) if rows else None

    def trim(self, now: float) -> None:
        """Delete what is past its time."""
        old = now - KEEP_SECONDS
        self._execute(
            "DELETE FROM spotter_incident_events WHERE incident_id IN "
            "(SELECT id FROM spotter_incidents WHERE resolved_at < ?)",
            (old,),
        )
        self._execute("DELETE FROM spotter_outbox WHERE done_at < ?", (old,))
        self._execute("DELETE FROM spotter_incidents WHERE resolved_at < ?", (old,))
        self._execute("DELETE FROM spotter_silences WHERE ends_at < ?", (old,))
        self._execute(
            "DELETE FROM spotter_pings WHERE at < ?", (now - KEEP_PINGS_SECONDS,)
        )


class Book:
    """The book of a store."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    @contextlib.contextmanager
    def writing(self) -> Iterator[Page]:
        """All of it or nothing; raises StoreError."""
        with self.store.transaction(write=True) as execute:
            yield Page(execute)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Page]:
        """One consistent view; raises StoreError."""
        with self.store.transaction(write=False) as execute:
            yield Page(execute)


def as_json(value: Any) -> str:
    """As it is stored."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def status_json(alert: Alert) -> str:
    """What of an alert has no column of its own."""
    return as_json(
        {
            "status": dataclasses.asdict(alert.status),
            "value": alert.value,
            "text": alert.text,
            "severity": alert.severity,
            "flips": list(alert.flips),
            "reason": alert.reason,
        }
    )


def alert_of(
    key: str, rule: str, labels: str, status: str, incident: int | None
) -> Alert:
    """An alert from its row."""
    data = orjson.loads(status)
    known = data.pop("status")
    return Alert(
        key=key,
        rule=rule,
        labels=orjson.loads(labels),
        status=Status(**{**known, "state": State(known["state"])}),
        incident=incident,
        **{**data, "flips": tuple(data["flips"])},
    )


def silence_of(
    id_: int, body: str, author: str, reason: str, starts_at: float, ends_at: float
) -> Silence:
    """A silence from its row; what has no column of its own is beside the matchers."""
    data = orjson.loads(body)
    return Silence(
        id=id_, matchers=matching.of(data.get("matchers", data)), author=author,
        reason=reason, starts_at=starts_at, ends_at=ends_at,
        kind=data.get("kind", SILENCE), incident=data.get("incident"),
        ended_by=data.get("ended_by", ""),
    )  # fmt: skip


def incident_of(row: Sequence[Any]) -> Incident:
    """An incident from its row."""
    names = INCIDENT.split(", ")
    data = dict(zip(names, row, strict=True))
    return Incident(**{**data, "body": orjson.loads(data["body"])})


def delivery_of(row: Sequence[Any]) -> Delivery:
    """A delivery from its row."""
    names = [name.removesuffix("_id") for name in DELIVERY.split(", ")]
    data = dict(zip(names, row, strict=True))
    return Delivery(**{**data, "notice": orjson.loads(data["notice"])})
