"""What the store says of requests: by route, and of all together."""

from __future__ import annotations

import dataclasses

from spotter.dashboard.blocks import Chart, Line
from spotter.dashboard.period import Period
from spotter.dashboard.reading import NO, Reader, Where
from spotter.entries import Point
from spotter.recorders.api_log import UNMATCHED

DURATION = "http.server.request.duration"
ALL = "spotter.http.server.duration"
ROUTE, METHOD = "http.route", "http.request.method"
STATUS, STATUS_CLASS = "http.response.status_code", "http.response.status_class"


@dataclasses.dataclass(slots=True)
class RouteFacts:
    """One route in a period; durations in seconds, of all its requests together."""

    name: str
    requests: float = 0
    errors: float = 0
    seconds: float = 0.0
    longest: float = 0.0
    queries: float = 0
    db_seconds: float = 0.0
    cache_seconds: float = 0.0

    @property
    def error_share(self) -> float:
        """Answers of 500 and above."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def queries_each(self) -> float:
        """Queries of one request, on average."""
        return self.queries / self.requests if self.requests else 0.0

    def share_of(self, seconds: float) -> float:
        """How much of the time something took; threads can make it more than all."""
        return min(seconds / self.seconds, 1.0) if self.seconds else 0.0


def name_of(route: str) -> str:
    """A route as it is shown; of what no route answers, that it is so."""
    return "no such address (404)" if route == UNMATCHED else route


def routes(reader: Reader, period: Period | None = None) -> dict[str, RouteFacts]:
    """Every route of the period, from sums alone."""
    found = counted(reader, period)
    add_waits(reader, found, period=period)
    return found


def counted(reader: Reader, period: Period | None = None) -> dict[str, RouteFacts]:
    """Every route of the period: requests, failures and time, not what they wait for."""
    found: dict[str, RouteFacts] = {}
    points = reader.totals(DURATION, (ROUTE, STATUS), period=period)
    for (name, status), point in points.items():
        facts = found.setdefault(name, RouteFacts(name))
        facts.requests += point.count
        facts.seconds += point.sum
        facts.longest = max(facts.longest, point.maximum)
        facts.errors += point.count if status >= "500" else 0
    return found


def add_waits(
    reader: Reader,
    found: dict[str, RouteFacts],
    where: Where = NO,
    period: Period | None = None,
) -> None:
    """Add what routes ask the database and the cache for, of all or those of `where`."""
    for metric, attribute in (
        ("spotter.http.server.db.queries", "queries"),
        ("spotter.http.server.db.duration", "db_seconds"),
        ("spotter.http.server.cache.duration", "cache_seconds"),
    ):
        points = reader.totals(metric, (ROUTE,), where, period=period)
        for (name,), point in points.items():
            if name in found:
                setattr(found[name], attribute, point.sum)


def whole(reader: Reader, period: Period | None = None) -> tuple[Point, float]:
    """All requests together, and how many of them failed."""
    all_, failed = Point(), 0
    found = reader.totals(ALL, (STATUS_CLASS,), buckets=True, period=period)
    for (kind,), point in found.items():
        all_.merge(point)
        failed += point.count if kind == "5xx" else 0
    return all_, failed


def quantile(point: Point | None, q: float) -> float | None:
    """A quantile, or None where nothing was measured."""
    return point.quantile(q) if point is not None and point.count else None


def rate_chart(reader: Reader, metric: str, where: dict[str, str]) -> Chart:
    """Answers a minute, those that failed apart."""
    by = STATUS_CLASS if metric == ALL else STATUS
    windows = reader.period.windows
    good = [0.0] * len(windows)
    bad = [0.0] * len(windows)
    for (status,), points in reader.windows(metric, (by,), where).items():
        target = bad if status >= "5" else good
        for number, point in enumerate(points):
            if point is not None:
                target[number] += 60 * point.count / reader.period.step
    is_known = any(good) or any(bad)
    return Chart(
        name="rate",
        title="Requests a minute",
        unit="1/min",
        times=windows,
        lines=[Line("answered", good, "main"), Line("failed (5xx)", bad, "bad")]
        if is_known
        else [],
        marks=reader.deploys(),
        bars=True,
    )


def latency_chart(reader: Reader, metric: str, where: dict[str, str]) -> Chart:
    """How long requests take: half of them, 95 and 99 of a hundred."""
    points = reader.windows(metric, (), where, buckets=True).get(
        (), [None] * len(reader.period.windows)
    )
    return Chart(
        name="duration",
        title="Response time",
        unit="s",
        times=reader.period.windows,
        lines=[
            Line("p50", [quantile(point, 0.5) for point in points], "calm"),
            Line("p95", [quantile(point, 0.95) for point in points], "main"),
            Line("p99", [quantile(point, 0.99) for point in points], "warn"),
        ],
        marks=reader.deploys(),
    )
