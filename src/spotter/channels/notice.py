"""What a channel is given: everything that a message says, as plain values."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Mapping, Sequence
from typing import Any


class Kind(enum.StrEnum):
    """Why a message is sent."""

    TRIGGER = "trigger"
    UPDATE = "update"
    REMINDER = "reminder"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    #: It fired and resolved before the first message could be delivered.
    LATE = "late"


WORDS = {
    Kind.TRIGGER: "FIRING",
    Kind.UPDATE: "FIRING",
    Kind.REMINDER: "STILL FIRING",
    Kind.ACKNOWLEDGE: "ACKNOWLEDGED",
    Kind.RESOLVE: "RESOLVED",
    Kind.LATE: "FIRED AND RESOLVED",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    One message about one incident.

    Args:
        incident: its number; `dedup_key` is what receivers know it by.
        title: one sentence; `lines` a sentence for each alert of the incident.
        evidence: names and texts, as they were when it fired.
        links: texts and addresses.
        told: of a channel's several receivers those that have it; never sent.
        opened_at, resolved_at, at: Unix seconds; `at` is when it was decided to send.
    """

    kind: Kind
    incident: int
    dedup_key: str
    title: str
    severity: str
    service: str
    environment: str
    opened_at: float
    at: float
    resolved_at: float | None = None
    lines: Sequence[str] = ()
    evidence: Sequence[tuple[str, str]] = ()
    links: Sequence[tuple[str, str]] = ()
    reason: str = ""
    is_drill: bool = False
    told: Sequence[str] = ()

    @property
    def is_end(self) -> bool:
        """Whether it says that the incident is over."""
        return self.kind in (Kind.RESOLVE, Kind.LATE)

    @property
    def headline(self) -> str:
        """The first line: what happened, how bad it is, where."""
        drill = "[DRILL] " if self.is_drill else ""
        place = f" ({self.environment})" if self.environment else ""
        return f"{drill}[{WORDS[self.kind]}] {self.title} — {self.service}{place}"

    @property
    def times(self) -> str:
        """When it began and ended."""
        text = f"Since {clock(self.opened_at)}"
        if self.resolved_at is not None:
            minutes = (self.resolved_at - self.opened_at) / 60
            text = f"From {clock(self.opened_at)} to {clock(self.resolved_at)}, {minutes:.0f} min"
        return f"{text}. Incident {self.incident}, {self.severity}."

    def text(self) -> str:
        """All of it as plain text."""
        parts = [self.headline, "", self.times, *(f"• {line}" for line in self.lines)]
        if self.evidence and not self.is_end:
            parts += ["", *(f"{name}: {value}" for name, value in self.evidence)]
        if self.links:
            parts += ["", *(f"{name}: {address}" for name, address in self.links)]
        return "\n".join([*parts, "", f"Sent because: {self.reason}."])

    def brief(self) -> str:
        """A paragraph of a digest."""
        address = f"\n{self.links[0][1]}" if self.links else ""
        lines = "".join(f"\n• {line}" for line in self.lines[:5])
        return f"{self.headline}\n{self.times}{lines}{address}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; who has it already is nobody else's business."""
        data = dataclasses.asdict(self)
        del data["told"]
        return data

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Notice:
        """From JSON."""
        pairs = {
            name: tuple((a, b) for a, b in data[name]) for name in ("evidence", "links")
        }
        return cls(
            **{
                **data,
                **pairs,
                "kind": Kind(data["kind"]),
                "lines": tuple(data["lines"]),
                "told": tuple(data.get("told", ())),
            }
        )


def clock(at: float) -> str:
    """A time as people read it, in UTC."""
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
