"""
What a rule looks at: a closed set of questions to the store, each a frozen value.

Every expression gives a reading for each set of labels. `value` is None when nobody
can tell, with the reason; that is not the same as "no".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from spotter.entries import Point, Sample
from spotter.stores.contract import Query

#: A gauge that was not read for so long is not known.
STALE_SECONDS = 90.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
REQUESTS = "http.server.request.duration"
ROUTE, STATUS = "http.route", "http.response.status_code"
#: Decimal places of a mean: thirty times 0.8 added up and divided is more than 0.8.
DECIMALS = 9


class Reads(Protocol):
    """What expressions ask; a store does, and so does the watcher's own memory."""

    def total(self, query: Query) -> dict[tuple[str, ...], Point]: ...
    def written_at(self) -> float | None: ...
    def samples(self, kind: str, *, since: float, limit: int) -> Sequence[Sample]: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """
    What was found for one set of labels.

    Args:
        value: None when nobody can tell; `reason` says why.
        is_enough: whether there was enough to judge by; without, nothing begins to
            fire, but what fires may cease.
        note: what a person reads beside the value: "12 of 300 requests".
    """

    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    value: float | None = None
    is_enough: bool = True
    reason: str = ""
    note: str = ""


class Expression(Protocol):
    """One question to the store at an instant."""

    def read(self, source: Reads, now: float) -> Sequence[Reading]: ...


@runtime_checkable
class Skips(Protocol):
    """An expression that remembers an instant."""

    def skip(self, seconds: float) -> None: ...


def ask(
    source: Reads,
    name: str,
    now: float,
    seconds: float,
    *,
    by: tuple[str, ...] = (),
    where: Mapping[str, Any] | None = None,
    buckets: bool = False,
) -> dict[tuple[str, ...], Point]:
    """A metric over the last so many seconds."""
    return source.total(
        Query(
            name=name,
            start=now - seconds,
            end=now + 10,
            by=by,
            where=where or {},
            buckets=buckets,
        )
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FailedShare:
    """
    The share of a counter's or histogram's events whose label begins with something.

    Args:
        label, prefix: what makes an event bad: "http.response.status_code", "5".
        at_least, bad_at_least: with fewer there is not enough to judge by.
    """

    name: str
    label: str
    prefix: str
    window: float
    at_least: int = 20
    bad_at_least: int = 3

    def read(self, source: Reads, now: float) -> Sequence[Reading]:
        found = ask(source, self.name, now, self.window, by=(self.label,))
        total = sum(point.count for point in found.values())
        bad = sum(p.count for (v,), p in found.items() if v.startswith(self.prefix))
        if not total:
            return [Reading(reason="no requests")]
        enough = total >= self.at_least and bad >= self.bad_at_least
        note = f"{bad:,.0f} of {total:,.0f} requests"
        return [Reading(value=bad / total, is_enough=enough, note=note)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SlowShare:
    """
    The share of a histogram's events over a limit, exact at powers of two.

    "p95 > 2 s" is "more than 5 % took over 2 s": Prometheus' histogram_quantile says
    2 when all that is known is "over 2".
    """

    name: str
    seconds: float
    window: float
    at_least: int = 20

    def read(self, source: Reads, now: float) -> Sequence[Reading]:
        found = ask(source, self.name, now, self.window, buckets=True)
        point = found.get((), Point())
        if not point.count:
            return [Reading(reason="no requests")]
        slow = point.count_above(self.seconds)
        return [
            Reading(
                value=slow / point.count,
                is_enough=point.count >= self.at_least,
                note=f"{slow:,.0f} of {point.count:,.0f} requests took over "
                f"{self.seconds:g} s; p95 is {point.quantile(0.95):.2f} s",
            )
        ]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """
    The last reading of a gauge, for each set of labels.

    Args:
        mean: take the mean of the window instead: "sustained".
    """

    name: str
    by: tuple[str, ...] = ()
    where: Mapping[str, str] = dataclasses.field(default_factory=dict)
    window: float = STALE_SECONDS
    mean: bool = False

    def read(self, source: Reads, now: float) -> Sequence[Reading]:
        found = ask(source, self.name, now, self.window, by=self.by, where=self.where)
        return [
            Reading(
                labels=dict(zip(self.by, group, strict=True)),
                value=round(point.mean, DECIMALS) if self.mean else point.last,
            )
            for group, point in found.items()
            if point.count
        ]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BestOf:
    """
    The best reading that several observers have of one thing: one of them may be wrong.

    What is 0 for all of them is not believed before each found it so in a row; once
    believed it stays so until one finds otherwise, for who starts anew counts anew.

    Args:
        by: what is observed; `of`, the label of who observes.
        failures: the gauge of how often in a row each found it wrong.
        believed: so often in a row is enough; 0 for at once.
    """

    name: str
    by: str
    of: str
    where: Mapping[str, str] = dataclasses.field(default_factory=dict)
    window: float = STALE_SECONDS
    failures: str = ""
    believed: int = 0

    def read(self, source: Reads, now: float) -> Sequence[Reading]:
        group = (self.by, self.of)
        found = ask(source, self.name, now, self.window, by=group, where=self.where)
        times = (
            ask(source, self.failures, now, self.window, by=group, where=self.where)
            if self.failures
            else {}
        )
        best: dict[str, float] = {}
        fewest: dict[str, float] = {}
        for key, point in found.items():
            # Windows are wider than what is asked for: who is gone must not speak.
            if point.count and point.last_at > now - self.window:
                thing, failed = key[0], times[key].last if key in times else 1.0
                best[thing] = max(best.get(thing, point.last), point.last)
                fewest[thing] = min(fewest.get(thing, failed), failed)
        return [
            Reading(
                labels={self.by: thing},
                value=value,
                is_enough=value > 0 or fewest[thing] >= self.believed,
            )
            for thing, value in best.items()
        ]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Increase:
    """How much a counter grew; 0 when it did not."""

    name: str
    window: float
    by: tuple[str, ...] = ()

    def read(self, source: Reads, now: float) -> Sequence[Reading]:
        found = ask(source, self.name, now, self.window, by=self.by)
        if not found:
            return [Reading(value=0.0)] if not self.by else []
        return [
            Reading(labels=dict(zip(self.by, group, strict=True)), value=point.sum)
            for group, point in found.items()
        ]


@dataclasses.dataclass(frozen=True, slots=True)
class Computed:
    """
    Readings that a function works out: for what no other expression says.

    Args:
        promql: the value in Prometheus' words, for the export; "" when there are none.
        unexported: why there are none.
    """

    function: Callable[[Reads, float], Sequence[Reading]]
    promql: str = ""
    unexported: str = "it is worked out by a function of Python"

    def read(self, source: Reads, now: float) -> Sequence[Reading]:
        return self.function(source, now)


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What the book of alerting knows, as it is now: no measurement, so no past."""

    function: Callable[[float], Sequence[Reading]]

    def read(self, source: Reads, now: float) -> Sequence[Reading]:
        return self.function(now)
