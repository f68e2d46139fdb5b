"""The values of the book of alerting: what it holds, and in which states."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from spotter.alerts.clock import has_passed
from spotter.alerts.machine import State, Status
from spotter.alerts.matchers import Matcher

OPEN, ACKNOWLEDGED, RESOLVED = "open", "acknowledged", "resolved"
PENDING, SENT, FAILED, SUPPRESSED = "pending", "sent", "failed", "suppressed"
#: What was decided and never sent, since something newer says it all.
SUPERSEDED = "superseded"
#: How long a channel whose address or key is dead is left alone.
SHUT_SECONDS = 3600.0
#: The kind of event that holds a piece of evidence, and is no line of the timeline.
EVIDENCE = "evidence"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """
    One rule with one set of labels, as it was last seen.

    Args:
        flips: when it began to fire, of the last hour.
        text: the rule's sentence with the last value.
    """

    key: str
    rule: str
    labels: Mapping[str, str]
    status: Status = dataclasses.field(default_factory=Status)
    incident: int | None = None
    value: float | None = None
    text: str = ""
    severity: str = "warning"
    flips: tuple[float, ...] = ()
    reason: str = ""

    @property
    def is_firing(self) -> bool:
        """Whether it fires."""
        return self.status.state is State.FIRING


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """
    Alerts that belong together; `body` has what has no column of its own.

    Args:
        touched_at: when an alert last joined it or resolved.
    """

    id: int
    dedup_key: str
    state: str
    severity: str
    opened_at: float
    touched_at: float
    resolved_at: float | None
    body: dict[str, Any]

    @property
    def title(self) -> str:
        """One sentence."""
        return str(self.body.get("title", ""))

    @property
    def began_at(self) -> float:
        """When the condition first held, which is before it fired."""
        return min(float(self.body.get("began_at", self.opened_at)), self.opened_at)

    @property
    def reopened_at(self) -> float:
        """When it last began: it may have been over in between."""
        return float(self.body.get("reopened_at", self.opened_at))

    @property
    def rules(self) -> Mapping[str, int]:
        """How often each rule began to fire in it."""
        found: Mapping[str, int] = self.body.get("rules", {})
        return found

    @property
    def flaps(self) -> int:
        """How often an alert of it fired again after it had resolved."""
        return max(0, sum(self.rules.values()) - len(self.body.get("alerts", ())))

    @property
    def resolution(self) -> Mapping[str, Any] | None:
        """What it was (`cause`), what was done (`done`), `by` whom and `at`."""
        found = self.body.get("resolution")
        return found if isinstance(found, dict) else None

    @property
    def needs_resolution(self) -> bool:
        """Whether it is over and nobody has written what it was."""
        return self.state == RESOLVED and self.resolution is None

    @property
    def acknowledged_after(self) -> float | None:
        """Seconds from its opening to the first acknowledgement."""
        at = self.body.get("first_acknowledged_at")
        return None if at is None else max(0.0, at - self.opened_at)

    @property
    def resolved_after(self) -> float | None:
        """Seconds from its opening to its last end."""
        return None if self.resolved_at is None else self.resolved_at - self.opened_at


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of an incident's timeline."""

    incident: int
    at: float
    kind: str
    text: str
    actor: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One decision about one channel: to send and what became of it, or not to."""

    id: int
    key: str
    incident: int
    channel: str
    kind: str
    state: str
    attempts: int
    created_at: float
    due_at: float
    claimed_until: float
    done_at: float | None
    reason: str
    error: str
    notice: dict[str, Any]


SILENCE, MAINTENANCE = "silence", "maintenance"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """Why a channel is told nothing, since when; `settings` is its fingerprint."""

    settings: str
    reason: str
    at: float

    def holds(self, settings: str, now: float) -> bool:
        """Whether it is shut still: one try an hour finds out whether it is mended."""
        return self.settings == settings and not has_passed(self.at, SHUT_SECONDS, now)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """
    Who mutes what, why and until when.

    Args:
        matchers: what all must hold of an alert's labels, `rule` and `severity` too.
        kind: SILENCE, or MAINTENANCE for a window that was planned.
        incident: the incident with whose end it ends; None when it has its own.
        ended_by: who ended it before its time.
    """

    id: int
    matchers: Sequence[Matcher]
    author: str
    reason: str
    starts_at: float
    ends_at: float
    kind: str = SILENCE
    incident: int | None = None
    ended_by: str = ""

    def is_on(self, now: float) -> bool:
        """Whether it holds at an instant."""
        return self.starts_at <= now < self.ends_at

    def covers(self, alert: Alert) -> bool:
        """Whether it is about an alert."""
        known = {**alert.labels, "rule": alert.rule, "severity": alert.severity}
        return all(each.matches(known) for each in self.matchers)

    def mutes(self, alert: Alert, now: float) -> bool:
        """Whether it mutes an alert at an instant."""
        return self.is_on(now) and self.covers(alert)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """A sign of life of a job: "start", "success" or "failure"."""

    name: str
    kind: str
    at: float
    body: dict[str, Any] = dataclasses.field(default_factory=dict)
