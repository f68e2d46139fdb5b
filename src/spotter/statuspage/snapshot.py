"""All that the public sees at one instant, as plain values."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence

from spotter.alerts.announcements import Maintenance, PublicIncident
from spotter.alerts.uptime import DAYS, History, Span, State
from spotter.statuspage.page import StatusPage

#: How long what is over is shown.
PAST_SECONDS = 14 * 86400.0
OVER = {"24h": 1, "7d": 7, "30d": 30, "90d": 90}
OPERATIONAL, DEGRADED, DOWN, UNKNOWN = "operational", "degraded", "down", "unknown"
INCIDENT, PARTIAL, MAINTENANCE = "incident", "partial_outage", "maintenance"

HEADLINES = {
    OPERATIONAL: "All systems operational",
    INCIDENT: "We are working on an incident",
    PARTIAL: "Some systems are not available",
    DOWN: "The service is not available",
    MAINTENANCE: "Maintenance is in progress",
    UNKNOWN: "It is not known how the service is",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Day:
    """One day of a component; None where nobody knows."""

    date: datetime.date
    availability: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """
    One component.

    Args:
        unknown_since: the last time that it was known, in Unix seconds, if ever.
    """

    name: str
    status: str
    unknown_since: float | None
    availability: Mapping[str, float | None]
    days: Sequence[Day]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The page at one instant."""

    title: str
    as_of: float
    components: Sequence[Component]
    incidents: Sequence[PublicIncident]
    maintenance: Sequence[Maintenance]

    @property
    def current(self) -> list[PublicIncident]:
        """Incidents that go on."""
        return [each for each in self.incidents if not each.resolved_at]

    @property
    def past(self) -> list[PublicIncident]:
        """Those that are over."""
        return [each for each in self.incidents if each.resolved_at]

    @property
    def status(self) -> str:
        """How all of it is, in one word."""
        found = {each.status for each in self.components}
        if any(m.state(self.as_of) == "in progress" for m in self.maintenance):
            return MAINTENANCE
        if found == {DOWN}:
            return DOWN
        if found & {DOWN, DEGRADED}:
            return PARTIAL
        if UNKNOWN in found or not found:
            return UNKNOWN
        return INCIDENT if self.current else OPERATIONAL

    @property
    def headline(self) -> str:
        """The same for people."""
        return HEADLINES[self.status]

    @property
    def unknown_since(self) -> float | None:
        """Since when at least one component is not known."""
        return min(
            (c.unknown_since for c in self.components if c.unknown_since), default=None
        )


def component(
    page: StatusPage,
    name: str,
    histories: Mapping[str, History],
    states: Mapping[str, State],
) -> Component:
    """One component: as bad as the worst of its monitors, and down when all are."""
    monitors = page.monitors_of(name)
    found = [states.get(each, State.UNKNOWN) for each in monitors]
    known = [histories[each] for each in monitors if each in histories]
    status = status_of(found)
    seen = [each.last_at for each in known if each.last_at]
    return Component(
        name=name,
        status=status,
        unknown_since=min(seen, default=None) if status == UNKNOWN else None,
        availability={
            over: worst([each.over(days) for each in known])
            for over, days in OVER.items()
        },
        days=days_of(known),
    )


def status_of(found: Sequence[State]) -> str:
    """What the states of a component's monitors come to."""
    if all(state is State.DOWN for state in found):
        return DOWN
    if State.DOWN in found:
        return DEGRADED
    return UNKNOWN if State.UNKNOWN in found else OPERATIONAL


def worst(spans: Sequence[Span]) -> float | None:
    """The lowest availability that is known."""
    return min((s.share for s in spans if s.share is not None), default=None)


def days_of(known: Sequence[History]) -> list[Day]:
    """The last 90 days, each as bad as its worst monitor."""
    if not known:
        return []
    columns = zip(*(each.days(DAYS) for each in known), strict=True)
    return [Day(of[0].date, worst([day.span for day in of])) for of in columns]
