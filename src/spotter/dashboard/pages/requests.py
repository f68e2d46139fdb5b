"""Every route: how often, how long, how many failures, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Cell, Column, Form, Table
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address
from spotter.dashboard.traffic import (
    ALL,
    DURATION,
    ROUTE,
    RouteFacts,
    latency_chart,
    name_of,
    quantile,
    rate_chart,
    routes,
)
from spotter.entries import Point

#: Routes on one page; quantiles are worked out for these alone.
EACH = 50
SORTS: dict[str, Callable[[RouteFacts], float]] = {
    "total": lambda facts: facts.seconds,
    "rate": lambda facts: facts.requests,
    "mean": lambda facts: facts.seconds / max(facts.requests, 1),
    "errors": lambda facts: facts.error_share,
    "queries": lambda facts: facts.queries_each,
    "database": lambda facts: facts.share_of(facts.db_seconds),
}


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """The service over time, and the table of routes."""
    wanted = request.GET.get("q", "")
    sort = request.GET.get("sort", "total")
    return [
        rate_chart(reader, ALL, {}),
        latency_chart(reader, ALL, {}),
        Form(
            fields=[("q", "Route contains", wanted)],
            hidden=[*period_fields(reader), ("sort", sort)],
            button="Filter",
        ),
        table(reader, wanted, sort if sort in SORTS else "total", page_of(request)),
    ]


def period_fields(reader: Reader) -> list[tuple[str, str]]:
    """The period, as hidden fields of a form."""
    pairs = (part.split("=") for part in reader.period.query.split("&"))
    return [(name, value.replace("%3A", ":")) for name, value in pairs]


def page_of(request: HttpRequest) -> int:
    """Which page of the table; the first when that is nonsense."""
    given = request.GET.get("page", "1")
    return max(1, int(given)) if given.isdecimal() and len(given) < 6 else 1


def table(reader: Reader, wanted: str, sort: str, number: int) -> Table:
    """The routes, fifty at a time."""
    chosen = [r for r in routes(reader).values() if wanted.lower() in r.name.lower()]
    chosen.sort(key=SORTS[sort], reverse=True)
    shown = chosen[(number - 1) * EACH : number * EACH]
    points = reader.totals(
        DURATION, (ROUTE,), {ROUTE: tuple(r.name for r in shown)}, buckets=True
    )
    top = max((route.seconds for route in shown), default=0) or 1
    here = {"q": wanted} if wanted else {}
    more = ""
    if len(chosen) > number * EACH:
        more = address(
            "requests", reader.period, sort=sort, page=str(number + 1), **here
        )
    return Table(
        name="routes",
        title=f"Routes ({len(chosen)})",
        columns=[
            Column("Route", numeric=False),
            *(
                Column(title, sort=address("requests", reader.period, sort=key, **here))
                for title, key in (("Rate", "rate"), ("Errors", "errors"))
            ),
            Column("p50"),
            Column("p95"),
            Column("p99"),
            Column(
                "Queries",
                sort=address("requests", reader.period, sort="queries", **here),
            ),
            Column(
                "Database",
                sort=address("requests", reader.period, sort="database", **here),
            ),
            Column("Cache"),
            Column(
                "Total time",
                sort=address("requests", reader.period, sort="total", **here),
            ),
        ],
        rows=[row(reader, route, points.get((route.name,)), top) for route in shown],
        sorted_by=sort,
        empty="No request was measured in this period."
        if not wanted
        else "No route's name contains that.",
        more=more,
    )


def row(
    reader: Reader, facts: RouteFacts, point: Point | None, top: float
) -> list[Cell]:
    """One route."""
    rate = facts.requests / reader.period.minutes
    p50, p95, p99 = (quantile(point, q) for q in (0.5, 0.95, 0.99))
    return [
        Cell(
            name_of(facts.name),
            facts.name,
            href=address("requests/route", reader.period, route=facts.name),
            mono=True,
        ),
        Cell(write.per_minute(rate), rate),
        Cell(
            write.share(facts.error_share),
            facts.error_share,
            tone=error_tone(facts.error_share),
        ),
        Cell(write.seconds(p50), p50),
        Cell(write.seconds(p95), p95, tone="bad" if (p95 or 0) > 2 else ""),
        Cell(write.seconds(p99), p99),
        Cell(
            write.count(facts.queries_each),
            facts.queries_each,
            tone="warn" if facts.queries_each > 50 else "",
        ),
        Cell(
            write.share(facts.share_of(facts.db_seconds)),
            facts.share_of(facts.db_seconds),
        ),
        Cell(
            write.share(facts.share_of(facts.cache_seconds)),
            facts.share_of(facts.cache_seconds),
        ),
        Cell(write.seconds(facts.seconds), facts.seconds, bar=facts.seconds / top),
    ]


def error_tone(share: float) -> str:
    """How an error rate is coloured."""
    return "bad" if share > 0.01 else "muted" if not share else ""


PAGE = Page(path="requests", title="Requests", menu="Requests", build=build)
