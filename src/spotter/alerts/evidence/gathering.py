"""Which evidence belongs to which rule, gathered within a bound, and never failing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from spotter.alerts.evidence.lines import error_lines, exceptions
from spotter.alerts.evidence.piece import Piece
from spotter.alerts.evidence.readings import (
    cache,
    checks,
    disks,
    hosts,
    probes,
    processes,
    queues,
    release,
)
from spotter.alerts.evidence.requests import (
    busy_routes,
    failed_requests,
    failing_routes,
    slow_requests,
    slow_routes,
    traffic,
)
from spotter.alerts.evidence.scene import Look, Scene, Sees
from spotter.alerts.evidence.statements import costly_statements
from spotter.alerts.records import Alert
from spotter.alerts.rules import Rule
from spotter.rescue import rescue
from spotter.stores.contract import StoreError

#: For all alerts that begin to fire in one cycle together.
BUDGET_SECONDS = 3.0

FAILURES = (traffic, failing_routes, exceptions, failed_requests, release, error_lines)
SLOWNESS = (traffic, slow_routes, costly_statements, slow_requests, hosts, release)
HOSTS = (hosts, processes, release)
OTHER = (release, error_lines)
#: What each shipped rule is about; evidence beside the point costs attention at night.
BY_RULE: Mapping[str, Sequence[Look]] = {
    "HighErrorRate": FAILURES,
    "HighErrorRateLowTraffic": FAILURES,
    "SlowResponses": SLOWNESS,
    "DeployMadeItWorse": (
        release, failing_routes, slow_routes, exceptions, failed_requests, error_lines,
    ),
    "HealthCheckFailing": (probes, checks, release, error_lines),
    "DatabaseDown": (checks, failing_routes, exceptions, release, error_lines),
    "CacheDown": (cache, checks, exceptions, release, error_lines),
    "DiskSpaceLow": (disks,),
    "HighMemory": HOSTS,
    "HighCPU": (hosts, processes, busy_routes, release),
    "CertificateExpiring": (probes,),
    "LogLinesDropped": (disks,),
    "NotificationChannelFailing": (error_lines,),
    "TaskQueueStuck": (queues, release, error_lines),
    "SlowQueryRegression": (costly_statements, release),
}  # fmt: skip
#: For a project's own rules: by what the metric's name begins with.
BY_METRIC: Sequence[tuple[str, Sequence[Look]]] = (
    ("http.client", OTHER),
    ("http.", (*FAILURES[:-1], slow_routes, error_lines)),
    ("spotter.http.", (*FAILURES[:-1], slow_routes, error_lines)),
    ("system.filesystem", (disks,)),
    ("system.", HOSTS),
    ("process.", HOSTS),
    ("spotter.workers", HOSTS),
    ("db.", (costly_statements, release)),
    ("spotter.db.", (costly_statements, release)),
    ("spotter.cache", (cache, release)),
    ("spotter.task", (queues, release, error_lines)),
    ("spotter.probe", (probes, checks, release)),
    ("spotter.health", (checks, release, error_lines)),
)
#: What looks at the alert's labels; the rest is looked for once in a cycle.
OF_ONE_ALERT = frozenset({costly_statements, hosts, processes, disks, probes})


def looks_of(rule: Rule) -> Sequence[Look]:
    """Which evidence a rule's alerts get."""
    if rule.name in BY_RULE:
        return BY_RULE[rule.name]
    metric = str(getattr(rule.expression, "name", ""))
    return next(
        (looks for begin, looks in BY_METRIC if metric.startswith(begin)), OTHER
    )


def gather(
    source: Sees, begun: Sequence[tuple[Rule, Alert]], now: float
) -> dict[str, list[Piece]]:
    """
    Give the evidence of alerts that begin to fire, by their keys.

    What cannot be had is a piece that says so.
    """
    gathering = Gathering(time.monotonic() + BUDGET_SECONDS)
    return {
        alert.key: list(
            gathering.of(Scene(source=source, rule=rule, alert=alert, now=now))
        )
        for rule, alert in begun
    }


class Gathering:
    """One cycle's: what was looked for, and what the store was missing for."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._known: dict[tuple[str, float], list[Piece]] = {}
        self._trouble = ""

    def of(self, scene: Scene) -> Iterator[Piece]:
        """All evidence of one alert."""
        for look in looks_of(scene.rule):
            if time.monotonic() > self._deadline:
                yield trouble("there was no time for more")
                return
            yield from self._once(look, scene)
        if self._trouble:
            yield trouble(self._trouble)

    def _once(self, look: Look, scene: Scene) -> list[Piece]:
        key = (look.__name__, scene.window)
        if look in OF_ONE_ALERT:
            return self._look(look, scene)
        if key not in self._known:
            self._known[key] = self._look(look, scene)
        return self._known[key]

    def _look(self, look: Look, scene: Scene) -> list[Piece]:
        found = [trouble(f"{look.__name__.replace('_', ' ')} could not be gathered")]
        with rescue(f"gather {look.__name__}"):
            try:
                found = list(look(scene))
            except StoreError as error:
                # Said once, whatever else it keeps from being known.
                self._trouble, found = f"not all is known: {error}", []
        return found


def trouble(text: str) -> Piece:
    """What says why there is no more."""
    return Piece(kind="trouble", name="Evidence", text=text)
