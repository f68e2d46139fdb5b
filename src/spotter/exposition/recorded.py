"""What was recorded, across all processes, as text for a scraper."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver

from spotter.catalog import METRICS, Metric, exposed_name, plain_name
from spotter.conf import get_settings
from spotter.entries import DRILL_PREFIX, Point, Sample, Series
from spotter.exposition.text import escaped_help, number, plain_help
from spotter.flights import Fleet, Flight, Sight
from spotter.histograms import bucket_of
from spotter.rescue import ignore
from spotter.stores.current import get_store

#: Upper bounds of the classic form: powers of two, at which the exponential buckets are
#: exact; 2 s is the limit of the response time.
BOUNDS = (*(2.0**power for power in (-10, -8, -7, -6, -5, -4, -3, -2, -1)), 1.0, 2.0, 4.0, 8.0, 32.0)  # fmt: skip
EDGES = tuple(bucket_of(bound) for bound in BOUNDS)
#: A gauge that nobody has read for so long is of a host or process that is gone, and
#: with its last gauge a host's counters go too.
GONE_SECONDS = 300.0
#: How long what was read is good for: less than the time between two scrapes, or a
#: worker that read earlier would make a counter fall.
TTL_SECONDS = 0.2
#: Requests among which exemplars are looked for.
MAX_EXEMPLARS = 300

Exemplars = Mapping[tuple[str, str, str], Sequence[tuple[float, str, float]]]


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """Everything since each series began, and requests to point at."""

    points: dict[str, list[tuple[Series, Point]]]
    exemplars: Exemplars
    at: float
    gone: frozenset[str] = frozenset()


def read() -> Recorded:
    """Read the store."""
    with ignore():
        store, now = get_store(), time.time()
        points: dict[str, list[tuple[Series, Point]]] = {}
        for series, point in store.cumulative(
            detailed=get_settings().metrics_statements,
            alive_since=now - GONE_SECONDS,
        ).items():
            if not series.name.startswith(DRILL_PREFIX):
                points.setdefault(series.name, []).append((series, point))
        return Recorded(
            points,
            exemplars(store.samples("request", limit=MAX_EXEMPLARS)),
            now,
            gone_hosts(points, now),
        )


def gone_hosts(
    points: Mapping[str, Sequence[tuple[Series, Point]]], now: float
) -> frozenset[str]:
    """Hosts that told of themselves once, and do so no more."""
    seen: dict[str, float] = {}
    for series, point in (pair for pairs in points.values() for pair in pairs):
        if point.last_at:
            host = host_of(series)
            seen[host] = max(point.last_at, seen.get(host, 0.0))
    return frozenset(
        host for host, at in seen.items() if host and now - at > GONE_SECONDS
    )


@functools.lru_cache(maxsize=20_000)
def host_of(series: Series) -> str:
    """The host that a series is of; "" when it is of none."""
    return dict(series.labels).get("host.name", "")


def exemplars(samples: Sequence[Sample]) -> Exemplars:
    """Requests by route, method and status: duration, trace id, when."""
    found: dict[tuple[str, str, str], list[tuple[float, str, float]]] = {}
    for sample in samples:
        body = sample.body
        if body.get("trace_id"):
            key = (sample.key, str(body["method"]), str(body["status"]))
            found.setdefault(key, []).append(
                (body["duration"], body["trace_id"], sample.at)
            )
    return found


class Scrape:
    """What this process read last; asked for by many, read by one."""

    def __init__(self) -> None:
        self.budget_seconds = get_settings().metrics_budget_seconds
        self.fleet: Fleet = Fleet(
            [Flight("metrics-store", read, ttl_seconds=TTL_SECONDS, timeout_seconds=self.budget_seconds)]
        )  # fmt: skip
        self._rendered: tuple[Recorded, bool, str] | None = None

    def text(self, *, openmetrics: bool) -> str:
        """The text, within the budget."""
        return self._text(self.fleet.gather(self.budget_seconds), openmetrics)

    async def atext(self, *, openmetrics: bool) -> str:
        """As `text`, without blocking the event loop."""
        return self._text(await self.fleet.agather(self.budget_seconds), openmetrics)

    def _text(self, sights: list[Sight[Any]], openmetrics: bool) -> str:
        landing = sights[0].landing
        found: Recorded | None = (
            landing.value if landing and not landing.error else None
        )
        known = self._rendered
        if found is None:
            return up(0)
        if known is None or known[0] is not found or known[1] is not openmetrics:
            text = up(1) + "".join(render(found, openmetrics))
            self._rendered = known = (found, openmetrics, text)
        return known[2]


def up(value: int) -> str:
    """Whether the store could be read."""
    name = "spotter_store_up"
    return f"# HELP {name} Whether the store can be read.\n# TYPE {name} gauge\n{name} {value}\n"


def render(found: Recorded, openmetrics: bool) -> Iterator[str]:
    """Each metric's help, type and samples."""
    with_statements = get_settings().metrics_statements
    for name in sorted(found.points):
        series = found.points[name]
        metric = METRICS.get(name) or guess(series[0][1])
        if metric.is_detailed and not with_statements:
            continue
        lines = list(samples_of(name, metric, series, found, openmetrics))
        if lines:
            yield head(name, metric, openmetrics)
            yield "".join(lines)


def guess(point: Point) -> Metric:
    """What kind a project's own metric is, by what was recorded of it."""
    text = "Recorded by the project."
    if point.buckets:
        return Metric("histogram", "", text)
    if point.last_at:
        return Metric("gauge", "", text)
    return Metric("summary" if point.minimum <= point.maximum else "counter", "", text)


def head(name: str, metric: Metric, openmetrics: bool) -> str:
    """The lines before a metric's samples."""
    family, help_text = exposed_name(name, metric), escaped_help(metric.help)
    if not openmetrics:
        help_text = plain_help(metric.help)
        family += "_total" if metric.kind == "counter" else ""
    return f"# HELP {family} {help_text}\n# TYPE {family} {metric.kind}\n"


def samples_of(
    name: str,
    metric: Metric,
    series: list[tuple[Series, Point]],
    found: Recorded,
    openmetrics: bool,
) -> Iterator[str]:
    """A metric's samples."""
    family = exposed_name(name, metric)
    for each, point in sorted(series, key=lambda pair: pair[0].labels):
        if host_of(each) in found.gone:
            continue
        labels = label_pairs(each)
        if metric.kind == "counter":
            yield f"{family}_total{braces(labels)} {number(point.sum)}\n"
        elif metric.kind == "gauge":
            if found.at - point.last_at <= GONE_SECONDS:
                yield f"{family}{braces(labels)} {number(point.last)}\n"
        elif metric.kind == "summary":
            yield f"{family}_count{braces(labels)} {point.count}\n"
            yield f"{family}_sum{braces(labels)} {number(point.sum)}\n"
        else:
            marks = marks_of(each, found) if openmetrics else {}
            yield histogram(family, labels, point, marks)


def histogram(family: str, labels: str, point: Point, marks: Mapping[int, str]) -> str:
    """Cumulative counts at each bound, with what they point at."""
    before = f"{labels}," if labels else ""
    lines, seen = [], point.zeros
    indexes = iter(sorted(point.buckets))
    index = next(indexes, None)
    for position, edge in enumerate(EDGES):
        while index is not None and index <= edge:
            seen += point.buckets[index]
            index = next(indexes, None)
        mark = marks.get(position, "")
        lines.append(
            f'{family}_bucket{{{before}le="{BOUNDS[position]!r}"}} {seen}{mark}\n'
        )
    mark = marks.get(len(EDGES), "")
    lines.append(f'{family}_bucket{{{before}le="+Inf"}} {point.count}{mark}\n')
    lines.append(f"{family}_count{braces(labels)} {point.count}\n")
    lines.append(f"{family}_sum{braces(labels)} {number(point.sum)}\n")
    return "".join(lines)


def marks_of(series: Series, found: Recorded) -> dict[int, str]:
    """A request to look at for each bucket, as OpenMetrics' exemplars."""
    if series.name != "http.server.request.duration":
        return {}
    labels = dict(series.labels)
    key = (
        labels.get("http.route", ""),
        labels.get("http.request.method", ""),
        labels.get("http.response.status_code", ""),
    )
    made: dict[int, str] = {}
    for duration, trace_id, at in found.exemplars.get(key, ()):
        edge = bucket_of(duration) if duration > 0 else EDGES[0]
        position = next((n for n, each in enumerate(EDGES) if edge <= each), len(EDGES))
        made.setdefault(position, f' # {{trace_id="{trace_id}"}} {duration!r} {at:.3f}')
    return made


@functools.lru_cache(maxsize=20_000)
def label_pairs(series: Series) -> str:
    """
    A series' labels, without braces.

    Values of names that become one are joined: a name twice costs the whole scrape.
    https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
    """
    values: dict[str, list[str]] = {}
    for name, value in series.labels:
        values.setdefault(plain_name(name), []).append(value)
    return ",".join(
        f'{name}="{escaped_help(";".join(each))}"' for name, each in values.items()
    )


def braces(labels: str) -> str:
    """Labels in braces; nothing when there are none."""
    return f"{{{labels}}}" if labels else ""


_scrape: Scrape | None = None


def get_scrape() -> Scrape:
    """This process's."""
    global _scrape
    if _scrape is None:
        _scrape = Scrape()
    return _scrape


@receiver(setting_changed)
def forget_scrape(*, setting: str, **kwargs: object) -> None:
    """Read the settings anew after a test has overridden them."""
    global _scrape
    if setting == "SPOTTER":
        get_settings.cache_clear()
        _scrape = None
