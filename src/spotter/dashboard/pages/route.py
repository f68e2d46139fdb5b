"""One route: over time, its distribution, its statements, its examples."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Cell, Column, Facts, Note, Table
from spotter.dashboard.examples import COLUMNS, example_row
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page
from spotter.dashboard.statements import caller_table
from spotter.dashboard.traffic import (
    DURATION,
    METHOD,
    ROUTE,
    STATUS,
    latency_chart,
    name_of,
    quantile,
    rate_chart,
)
from spotter.entries import FAILED_WEIGHT, SLOW_WEIGHT, Point, Sample
from spotter.histograms import upper_bound

#: Examples that are shown.
EXAMPLES = 30


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """Everything of one route."""
    name = request.GET.get("route", "")
    where = {ROUTE: name}
    point = reader.total(DURATION, where, buckets=True)
    if not point.count:
        return [
            Note(
                name_of(name) or "No route",
                "No request to this route was measured in this period. Choose a longer "
                "one, or go back to the routes.",
            )
        ]
    return [
        summary(reader, name, point),
        rate_chart(reader, DURATION, where),
        latency_chart(reader, DURATION, where),
        distribution(point),
        answers(reader, where),
        caller_table(reader, where),
        examples(reader, name),
    ]


def summary(reader: Reader, name: str, point: Point) -> Facts:
    """The route in a few numbers."""
    where = {ROUTE: name}
    queries = reader.total("spotter.http.server.db.queries", where)
    database = reader.total("spotter.http.server.db.duration", where)
    size = reader.total("http.server.response.body.size", where)
    quantiles = " · ".join(
        f"{label} {write.seconds(quantile(point, q))}"
        for label, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    )
    return Facts(
        name_of(name),
        [
            ("Requests", Cell(f"{write.count(point.count)}, {write.per_minute(point.count / reader.period.minutes)}")),
            ("Response time", Cell(f"{quantiles} · longest {write.seconds(point.maximum)}")),
            ("Queries a request", Cell(f"{write.count(queries.mean)}, at most {write.count(max(queries.maximum, 0))}")),
            ("Database", Cell(f"{write.share(min(database.sum / point.sum, 1) if point.sum else 0)} of the time")),
            ("Size of an answer", Cell(write.size(size.mean))),
        ],
    )  # fmt: skip


def distribution(point: Point) -> Table:
    """How many requests took how long, by doublings."""
    counts: dict[int, int] = {}
    for index, count in point.buckets.items():
        doubling = -(-index // 8)
        counts[doubling] = counts.get(doubling, 0) + count
    top = max(counts.values(), default=1)
    return Table(
        name="distribution",
        title="Distribution",
        columns=[
            Column("Took up to", numeric=False),
            Column("Requests"),
            Column("Share"),
        ],
        rows=[
            [
                Cell(write.seconds(upper_bound(8 * n)), upper_bound(8 * n)),
                Cell(write.count(counts[n]), counts[n], bar=counts[n] / top),
                Cell(write.share(counts[n] / point.count), counts[n] / point.count),
            ]
            for n in sorted(counts)
        ],
        empty="Nothing was measured.",
    )


def answers(reader: Reader, where: dict[str, str]) -> Table:
    """Which methods and statuses."""
    found = reader.totals(DURATION, (METHOD, STATUS), where)
    exceptions = reader.totals("spotter.http.server.exceptions", ("error.type",), where)
    rows = [
        [
            Cell(f"{method} {status}", tone="bad" if status >= "500" else ""),
            Cell(write.count(point.count), point.count),
            Cell(write.seconds(point.mean), point.mean),
        ]
        for (method, status), point in sorted(found.items(), key=lambda i: -i[1].count)
    ]
    rows += [
        [
            Cell(kind, tone="bad", mono=True),
            Cell(write.count(point.sum), point.sum),
            Cell(write.NONE),
        ]
        for (kind,), point in exceptions.items()
    ]
    return Table(
        name="answers",
        title="Answers and exceptions",
        columns=[Column("Answer", numeric=False), Column("How often"), Column("Mean")],
        rows=rows,
        empty="Nothing was answered.",
    )


def examples(reader: Reader, name: str) -> Table:
    """Failed and slow requests, to be opened."""
    found = worst(reader, name)
    return Table(
        name="examples",
        title="Examples",
        columns=COLUMNS,
        rows=[example_row(reader, sample) for sample in found],
        empty="No example is kept of this period: they last three days.",
        note="Of each hour the five that failed or took longest, and the two slowest that "
        "did not fail.",
    )


def worst(reader: Reader, name: str) -> list[Sample]:
    """The latest failed requests, then slow ones, then others, as many as are shown."""
    found: dict[tuple[float, str], Sample] = {}
    for number, weight in enumerate((FAILED_WEIGHT, SLOW_WEIGHT, 0.0), start=1):
        # Those that weigh more come again: there must be room for the rest.
        for sample in reader.samples(
            "request", key=name, limit=number * EXAMPLES, period=reader.period,
            weight=weight,
        ):  # fmt: skip
            found[sample.at, sample.body["request_id"]] = sample
        if len(found) >= EXAMPLES:
            break
    order = {"failed": 0, "slow": 1, "sampled": 2}
    ranked = sorted(found.values(), key=lambda s: (order.get(s.body["why"], 3), -s.at))
    return ranked[:EXAMPLES]


PAGE = Page(path="requests/route", title="Route", parent="requests", build=build)
