"""What an incident's timeline says, and the numbers that are worked out of many."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import fmean

from spotter.alerts import evidence
from spotter.alerts.book import Page
from spotter.alerts.evidence import Piece
from spotter.alerts.records import (
    ACKNOWLEDGED,
    FAILED,
    OPEN,
    PENDING,
    SENT,
    Alert,
    Delivery,
    Event,
    Incident,
    Silence,
)
from spotter.channels import Channel, Kind
from spotter.channels.notice import clock
from spotter.entries import Sample

#: The kinds of events that say of a channel what became of a message.
TELLING = ("sent", "sent to some", "not sent", "not told")
#: A release so long before it began is shown as what may have caused it.
DEPLOY_BEFORE_SECONDS = 3600.0


def counted(
    page: Page, incident: Incident, alert: Alert, found: Iterable[Piece], now: float
) -> Incident:
    """The incident with one more alert's beginning and its evidence."""
    body, began = incident.body, alert.status.active_at or incident.opened_at
    pieces = evidence.keep(page, incident.id, now, found)
    more = {
        "rules": {**incident.rules, alert.rule: incident.rules.get(alert.rule, 0) + 1},
        # What messages say of it; the rest is kept beside the incident.
        "told": evidence.told(pieces),
        "began_at": min(incident.began_at, began),
    }
    return dataclasses.replace(incident, body={**body, **more})


def note_silences(
    page: Page,
    incident: Incident,
    firing: Sequence[Alert],
    silences: Sequence[Silence],
    now: float,
) -> Incident:
    """Write down which silences begin and cease to mute alerts of an open incident."""
    if not firing:
        return incident
    on = {s.id: s for s in silences if any(s.mutes(alert, now) for alert in firing)}
    known: list[int] = incident.body.get("silenced_by", [])
    if sorted(on) == sorted(known):
        return incident
    for each in (s for id_, s in on.items() if id_ not in known):
        end = "it ends" if each.incident else clock(each.ends_at)
        text = f"{each.kind} {each.id} until {end}: {each.reason}"
        page.note(incident.id, now, "silenced", text, each.author)
    for id_ in known:
        if id_ not in on:
            page.note(incident.id, now, "silence ended", f"silence {id_} is over")
    changed = dataclasses.replace(
        incident, body={**incident.body, "silenced_by": sorted(on)}
    )
    page.save_incident(changed)
    return changed


def note_escalations(
    page: Page,
    incident: Incident,
    channels: Sequence[Channel],
    decided: Mapping[str, Sequence[Delivery]],
) -> Incident:
    """Write down that the next in line was told, since nobody had acknowledged it."""
    known: list[str] = incident.body.get("escalated", [])
    new = [
        (channel, each)
        for channel in channels
        if channel.after_seconds
        for each in decided.get(channel.name, ())
        if each.kind == Kind.TRIGGER and each.state in (PENDING, SENT, FAILED)
        and each.key not in known
    ]  # fmt: skip
    if not new:
        return incident
    for channel, each in new:
        wait = channel.after_seconds / 60
        text = f"{channel.name} is told: nobody has acknowledged it for {wait:g} min"
        page.note(incident.id, each.created_at, "escalated", text)
    body = {**incident.body, "escalated": [*known, *(each.key for _, each in new)]}
    changed = dataclasses.replace(incident, body=body)
    page.save_incident(changed)
    return changed


def end_silences(page: Page, incident: int, now: float) -> None:
    """End the silences that were to last until an incident's end."""
    for each in page.silences(now):
        if each.incident == incident:
            page.end_silence(each.id, now)


def note_open(page: Page, now: float, kind: str, text: str) -> None:
    """Add a line to the timeline of every open incident."""
    for incident in page.incidents((OPEN, ACKNOWLEDGED), limit=None):
        page.note(incident.id, now, kind, text)


def timeline(
    incident: Incident, events: Iterable[Event], deploys: Iterable[Sample], now: float
) -> list[Event]:
    """Everything that happened, releases included, in order."""
    start = incident.began_at - DEPLOY_BEFORE_SECONDS
    first: dict[str, Sample] = {}
    for each in sorted(deploys, key=lambda sample: sample.at):
        first.setdefault(each.key, each)
    marks = [
        Event(incident=incident.id, at=at.at, kind="deploy", text=release_text(at))
        for at in first.values()
        if start <= at.at <= (incident.resolved_at or now)
    ]
    return folded(sorted([*events, *marks], key=lambda event: event.at))


def folded(events: Iterable[Event]) -> list[Event]:
    """
    The events without what their kind says already, and one for what follows alike.

    Two channels that were not told for the same reason are one line of both names.
    """
    lines: list[Event] = []
    for (_, said), alike in groupby(events, key=said_of):
        if not said:
            lines += [dataclasses.replace(e, text=unrepeated(e)) for e in alike]
            continue
        told = list(alike)
        names = ", ".join(dict.fromkeys(unrepeated(e).partition(": ")[0] for e in told))
        times = max(Counter(e.text for e in told).values())
        often = f" ({times} times)" if times > 1 else ""
        lines.append(dataclasses.replace(told[0], text=f"{names}: {said}{often}"))
    return lines


def said_of(event: Event) -> tuple[str, str]:
    """The kind, and what was told or why not: "" of what is not about a channel."""
    if event.kind not in TELLING:
        return event.kind, ""
    return event.kind, unrepeated(event).partition(": ")[2]


def unrepeated(event: Event) -> str:
    """An event's text without its kind, which stands before it."""
    if event.kind in (*TELLING, "resolved"):
        return event.text.replace(f" {event.kind}", "", 1)
    return event.text


def release_text(deploy: Sample) -> str:
    """A release and what it replaced."""
    before = deploy.body.get("previous")
    return f"{deploy.key}{f', before {before}' if before else ''}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OfRule:
    """What one rule did in a number of incidents."""

    rule: str
    incidents: int
    firings: int
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """
    Numbers of a period's incidents.

    Args:
        mtta: mean seconds from an incident's opening to its first acknowledgement, of
            those that were acknowledged; None when none was.
        mttr: mean seconds from its opening to its last end, of those that are over.
        rules: the noisiest first.
    """

    incidents: int
    open: int
    acknowledged: int
    resolved: int
    lacking: int
    mtta: float | None
    mttr: float | None
    rules: Sequence[OfRule]


def statistics(incidents: Sequence[Incident], now: float) -> Statistics:
    """Work them out: pure."""
    acknowledged = [s for i in incidents if (s := i.acknowledged_after) is not None]
    resolved = [s for i in incidents if (s := i.resolved_after) is not None]
    return Statistics(
        incidents=len(incidents),
        open=len(incidents) - len(resolved),
        acknowledged=len(acknowledged),
        resolved=len(resolved),
        lacking=sum(each.needs_resolution for each in incidents),
        mtta=fmean(acknowledged) if acknowledged else None,
        mttr=fmean(resolved) if resolved else None,
        rules=by_rule(incidents, now),
    )


def by_rule(incidents: Sequence[Incident], now: float) -> list[OfRule]:
    """What each rule did, the one that fired most often first."""
    found: dict[str, OfRule] = {}
    for incident in incidents:
        lasted = (incident.resolved_at or now) - incident.opened_at
        for rule, firings in incident.rules.items():
            before = found.get(
                rule, OfRule(rule=rule, incidents=0, firings=0, seconds=0)
            )
            found[rule] = OfRule(
                rule=rule,
                incidents=before.incidents + 1,
                firings=before.firings + firings,
                seconds=before.seconds + lasted,
            )
    return sorted(found.values(), key=lambda each: (-each.firings, each.rule))
