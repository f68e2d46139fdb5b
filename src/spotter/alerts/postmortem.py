"""An incident as a Markdown document: what a post-mortem begins with, and is kept as."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from spotter.alerts.evidence import Piece
from spotter.alerts.evidence.piece import seconds, share
from spotter.alerts.expressions import Reads
from spotter.alerts.records import Delivery, Event, Incident
from spotter.alerts.shipped import REQUESTS, STATUS
from spotter.channels.notice import clock
from spotter.stores.contract import Query, StoreError

#: What would be markup, wherever it stands.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!])")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What users met from its beginning to its end; None where nobody can tell."""

    requests: float | None = None
    failed: float | None = None

    @property
    def text(self) -> str:
        """In words."""
        if self.requests is None or self.failed is None:
            return "not known: the measurements of that time can't be read"
        if not self.requests:
            return "no request was measured in that time"
        return (
            f"{self.failed:,.0f} of {self.requests:,.0f} requests failed "
            f"({share(self.failed, self.requests)})"
        )


def impact(source: Reads, incident: Incident, now: float) -> Impact:
    """Count the requests of an incident's time."""
    query = Query(
        name=REQUESTS, start=incident.began_at, end=(incident.resolved_at or now) + 10,
        by=(STATUS,), buckets=False,
    )  # fmt: skip
    try:
        found = source.total(query)
    except StoreError:
        return Impact()
    return Impact(
        requests=sum(p.count for p in found.values()),
        failed=sum(p.count for (status,), p in found.items() if status.startswith("5")),
    )


def markdown(
    incident: Incident,
    timeline: Sequence[Event],
    pieces: Sequence[Piece],
    deliveries: Sequence[Delivery],
    impact: Impact,
    now: float,
) -> str:
    """The whole document."""
    parts = [
        f"# Incident {incident.id}: {plain(incident.title)}",
        "\n".join(summary(incident, now)),
        f"## Impact\n\n{plain(impact.text)}.",
        "\n".join(resolution(incident)),
        "\n".join(events(timeline)),
        "\n".join(evidence(pieces)),
        "\n".join(told(deliveries)),
    ]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Text in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", " ".join(str(text).split()))


def summary(incident: Incident, now: float) -> Iterator[str]:
    """The facts as a list."""
    lasted = (incident.resolved_at or now) - incident.opened_at
    yield f"- State: {incident.state}, {incident.severity}"
    yield f"- Began: {clock(incident.began_at)}; opened: {clock(incident.opened_at)}"
    if incident.resolved_at is not None:
        yield f"- Resolved: {clock(incident.resolved_at)}"
    yield f"- Lasted: {seconds(lasted)}"
    if incident.acknowledged_after is not None:
        yield f"- First acknowledged after: {seconds(incident.acknowledged_after)}"
    fired = ", ".join(f"{plain(r)} ({n}x)" for r, n in sorted(incident.rules.items()))
    yield f"- Rules that fired: {fired or 'none'}"
    if incident.flaps:
        yield f"- Fired again after resolving: {incident.flaps}x"


def resolution(incident: Incident) -> Iterator[str]:
    """What it was and what was done, or that nobody has written it."""
    yield "## Resolution\n"
    found = incident.resolution
    if found is None:
        yield "Not written yet."
        return
    yield f"**What it was.** {plain(found['cause'])}\n"
    yield f"**What was done.** {plain(found['done'])}\n"
    yield f"Written by {plain(found['by'])} at {clock(found['at'])}."


def events(timeline: Sequence[Event]) -> Iterator[str]:
    """What happened, as a table."""
    yield "## Timeline\n"
    yield "| when | what | | who |\n|---|---|---|---|"
    for each in timeline:
        said = "" if each.text == each.kind else plain(each.text)
        yield f"| {clock(each.at)} | {each.kind} | {said} | {plain(each.actor)} |"


def evidence(pieces: Sequence[Piece]) -> Iterator[str]:
    """What was known when it fired, by its name."""
    yield "## Evidence, as it was when it fired\n"
    if not pieces:
        yield "None."
    for name in dict.fromkeys(piece.name for piece in pieces):
        yield f"- {plain(name)}"
        for piece in pieces:
            if piece.name == name:
                yield f"  - {plain(piece.text)}"


def told(deliveries: Sequence[Delivery]) -> Iterator[str]:
    """Every decision, the earliest first."""
    yield "## Who was told\n"
    if not deliveries:
        yield "Nobody: there was no channel."
        return
    yield "| when | channel | message | what became of it | because |\n|---|---|---|---|---|"
    for each in sorted(deliveries, key=lambda delivery: delivery.id):
        trouble = f", {plain(each.error)}" if each.error else ""
        yield (
            f"| {clock(each.created_at)} | {plain(each.channel)} | {each.kind} | "
            f"{each.state}{trouble} | {plain(each.reason)} |"
        )
