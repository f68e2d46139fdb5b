"""The first page: a verdict, four numbers, what to fix first, and the rest."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard import verdict, watching
from spotter.dashboard.blocks import (
    Block,
    Findings,
    Table,
    Tile,
    Tiles,
)
from spotter.dashboard.cache_findings import urgent
from spotter.dashboard.examples import COLUMNS, example_row
from spotter.dashboard.facts import gather, latest
from spotter.dashboard.fixes import fixes
from spotter.dashboard.period import Period
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address, stale
from spotter.dashboard.statements import BY_REPETITION, REPEATED
from spotter.dashboard.traffic import (
    ALL,
    latency_chart,
    quantile,
    rate_chart,
    routes,
    whole,
)
from spotter.entries import FAILED_WEIGHT, Point
from spotter.stores.contract import PROCESSES

WORKERS = ("spotter.workers.busy", "spotter.workers.count")
CPU, IN_FLIGHT = "system.cpu.utilization", "http.server.active_requests"
#: What tiles and fixes ask of metrics with few series, by what they are grouped by.
FEW = {
    **dict.fromkeys(WORKERS, ()),
    **dict.fromkeys(REPEATED, BY_REPETITION),
}


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """What needs somebody, then how the service is."""
    now = latest(reader)
    reader.read_ahead(FEW)
    found = routes(reader)
    told = [
        *watching.findings(reader),
        *urgent(now),
        *verdict.verdict(gather(now, reader)),
    ]
    # Of what nobody measures nobody knows whether it needs somebody: the page says so.
    is_known = stale(reader.written_at(), reader.now) is None
    return [
        *([Findings(told, of=time_of(now))] if told or is_known else []),
        tiles(reader),
        rate_chart(reader, ALL, {}),
        latency_chart(reader, ALL, {}),
        fixes(reader, found),
        failures(reader),
    ]


def time_of(now: Reader) -> str:
    """Which time the verdict is of, for who looks at a longer one; "" when at this."""
    if not now.period.is_live:
        return ""
    return (
        f"Of the last {now.period.minutes:g} minutes; memory that grows, of the period."
    )


def tiles(reader: Reader) -> Tiles:
    """Rate, errors, response time, saturation: each with its change."""
    now, failed = whole(reader)
    before, failed_before = whole(reader, reader.period.previous())
    minutes = reader.period.minutes
    shares = [failed / now.count if now.count else None]
    shares.append(failed_before / before.count if before.count else None)
    p95 = (quantile(now, 0.95), quantile(before, 0.95))
    points = all_windows(reader)
    return Tiles(
        [
            Tile(
                title="Requests",
                text=write.per_minute(now.count / minutes),
                change=change(now.count, before.count),
                href=address("requests", reader.period),
                values=[point.count if point else 0 for point in points],
            ),
            Tile(
                title="Error rate",
                text=write.share(shares[0]),
                change=change(shares[0], shares[1]),
                tone="bad" if (shares[0] or 0) > 0.01 else "",
                href=address("requests", reader.period, sort="errors"),
            ),
            Tile(
                title="Response time, p95",
                text=write.seconds(p95[0]),
                change=change(*p95),
                tone="bad" if (p95[0] or 0) > 2 else "",
                href=address("requests", reader.period),
                values=[quantile(point, 0.95) for point in points],
            ),
            saturation_tile(reader),
        ]
    )


def all_windows(reader: Reader) -> list[Point | None]:
    """All requests together, in each window."""
    found = reader.windows(ALL, buckets=True)
    return found.get((), [None] * len(reader.period.windows))


def saturation_tile(reader: Reader) -> Tile:
    """Busy workers where their number is known, else the CPU, else what is in flight."""
    href = address("hosts", reader.period)
    before = reader.period.previous()
    share = busy_share(reader)
    if share is not None:
        reader.read_ahead(dict.fromkeys(WORKERS, ()), before)
        was = busy_share(reader, before) if is_known_of_processes(reader) else None
        return Tile(
            title="Busy workers",
            text=write.share(share),
            change=change(share, was),
            tone="bad" if share > verdict.BUSY_SHARE else "",
            href=href,
        )
    cpu = reader.total(CPU)
    if cpu.count:
        return Tile(
            title="CPU",
            text=write.share(cpu.mean),
            change=change(cpu.mean, mean(reader.total(CPU, period=before))),
            tone="bad" if cpu.mean > verdict.CPU_SHARE else "",
            href=href,
        )
    active = mean(reader.total(IN_FLIGHT))
    was = None
    if active is not None and is_known_of_processes(reader):
        was = mean(reader.total(IN_FLIGHT, period=before))
    return Tile(
        title="Requests in flight, each process",
        text=write.NONE if active is None else write.count(active),
        change=change(active, was),
        href=href,
    )


def busy_share(reader: Reader, period: Period | None = None) -> float | None:
    """How many of the workers are busy, from 0 to 1; None where nobody knows."""
    busy, count = (reader.total(name, period=period) for name in WORKERS)
    return busy.mean / count.mean if busy.count and count.mean else None


def mean(point: Point) -> float | None:
    """A mean, or None where nothing was measured."""
    return point.mean if point.count else None


def is_known_of_processes(reader: Reader) -> bool:
    """Whether the whole period before is kept of single processes."""
    start = reader.period.previous().start
    return start >= reader.now - PROCESSES[-1].keep


def change(now: float | None, before: float | None) -> str:
    """How much more or less than in the period before."""
    if now is None or before is None:
        return "nothing to compare with"
    if not before:
        return "none before" if now else "as before"
    part = now / before - 1
    if abs(part) < 0.01:
        return "as before"
    if part > 9:
        return f"{now / before:.0f} times as before"
    sign = "+" if part > 0 else "−"  # noqa: RUF001 (typography)
    return f"{sign}{write.share(abs(part))}"


def failures(reader: Reader) -> Table:
    """The latest failed requests that are kept."""
    found = reader.samples(
        "request", limit=30, period=reader.period, weight=FAILED_WEIGHT
    )
    failed = [sample for sample in found if sample.body["why"] == "failed"][:10]
    _, number = whole(reader)
    return Table(
        name="failures",
        title="Latest failures",
        columns=COLUMNS,
        rows=[example_row(reader, sample) for sample in failed],
        empty="None of those that failed is kept: examples last three days."
        if number
        else "No request failed in this period.",
    )


PAGE = Page(path="", title="Overview", menu="Overview", build=build)
