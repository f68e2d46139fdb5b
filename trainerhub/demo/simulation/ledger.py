"""What was sent and what came back: every request, so that others can account for it."""

from __future__ import annotations

import collections
from array import array
from dataclasses import asdict, dataclass, field
from typing import Any

# Beyond so many, requests are counted but no longer listed.
LISTED_REQUESTS = 200_000
LISTED_SURPRISES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; `status` is 0 when no answer came, `route` has {id} for numbers."""

    id: str
    action: str
    method: str
    route: str
    status: int
    seconds: float
    fault_asked: str = ""
    fault_seen: str = ""
    error: str = ""


@dataclass(slots=True)
class Tally:
    """One action's requests in figures."""

    seconds: array[float] = field(default_factory=lambda: array("d"))
    classes: collections.Counter[str] = field(default_factory=collections.Counter)
    surprises: int = 0

    def add(self, request: Request, *, is_surprise: bool) -> None:
        self.seconds.append(request.seconds)
        self.classes[status_class(request.status)] += 1
        self.surprises += is_surprise

    def summary(self) -> dict[str, Any]:
        ordered = sorted(self.seconds)
        return {
            "count": len(ordered),
            "statuses": dict(sorted(self.classes.items())),
            "unexpected": self.surprises,
            "p50_seconds": percentile(ordered, 50),
            "p95_seconds": percentile(ordered, 95),
            "p99_seconds": percentile(ordered, 99),
        }


def status_class(status: int) -> str:
    return f"{status // 100}xx" if status else "none"


def percentile(ordered: list[float], percent: int) -> float:
    """The nearest-rank percentile of values in order; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


class Ledger:
    """Every request of a simulation."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = collections.defaultdict(Tally)
        self.routes: collections.Counter[tuple[str, str, int]] = collections.Counter()
        self.asked: collections.Counter[str] = collections.Counter()
        self.seen: collections.Counter[str] = collections.Counter()
        self.requests: list[Request] = []
        self.surprises: list[dict[str, Any]] = []
        self.broken_promises: list[str] = []
        self.count = 0
        self.surprise_count = 0
        self.failures_in_a_row = 0

    def add(self, request: Request, *, expected: frozenset[int]) -> None:
        """Take a request and judge its answer."""
        is_surprise = request.status not in expected and not is_wanted(request)
        self.count += 1
        self.tallies[request.action].add(request, is_surprise=is_surprise)
        self.routes[request.method, request.route, request.status] += 1
        self.failures_in_a_row = 0 if request.status else self.failures_in_a_row + 1
        self.asked.update(filter(None, [request.fault_asked]))
        self.seen.update(filter(None, [request.fault_seen]))
        if self.count <= LISTED_REQUESTS:
            self.requests.append(request)
        if is_surprise:
            self.surprise(request, expected)

    def surprise(self, request: Request, expected: frozenset[int]) -> None:
        self.surprise_count += 1
        if len(self.surprises) < LISTED_SURPRISES:
            self.surprises.append(asdict(request) | {"expected": sorted(expected)})

    def break_promise(self, what: str) -> None:
        """Note that answers contradict each other, such as a slot sold twice."""
        self.surprise_count += 1
        if len(self.broken_promises) < LISTED_SURPRISES:
            self.broken_promises.append(what)

    @property
    def ignored_faults(self) -> list[str]:
        """Faults that were asked for and never carried out."""
        return sorted(fault for fault in self.asked if not self.seen[fault])

    @property
    def is_clean(self) -> bool:
        return not self.surprise_count and not self.ignored_faults

    def totals(self) -> dict[str, Any]:
        """All figures, without the list of requests."""
        return {
            "requests": self.count,
            "unexpected": self.surprise_count,
            "actions": {
                name: tally.summary() for name, tally in sorted(self.tallies.items())
            },
            "faults": {
                name: {"asked": count, "carried_out": self.seen[name]}
                for name, count in sorted(self.asked.items())
            },
        }

    def document(self) -> dict[str, Any]:
        """Everything, for `--json`."""
        return {
            **self.totals(),
            "routes": [
                {"method": method, "route": route, "status": status, "count": count}
                for (method, route, status), count in sorted(self.routes.items())
            ],
            "unexpected_answers": self.surprises,
            "broken_promises": self.broken_promises,
            "listed": [asdict(request) for request in self.requests],
        }


def is_wanted(request: Request) -> bool:
    """Whether a 500 is the one that was asked for."""
    return request.status == 500 and request.fault_seen == "error-burst"
