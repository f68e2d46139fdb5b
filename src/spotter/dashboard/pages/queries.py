"""Every statement: by total time, the slow ones, and what requests repeat."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from spotter.conf import get_settings
from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Cell, Chart, Column, Line, Link, Table, Tabs
from spotter.dashboard.examples import request_cell
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address
from spotter.dashboard.statements import (
    BY_REPETITION,
    FINGERPRINT,
    REPEATED,
    examples_of_repeats,
    kind_of,
    link,
    subject_of,
    text_of,
    texts,
)
from spotter.dashboard.traffic import quantile
from spotter.entries import Point

EACH = 50
TABS = {"time": "By total time", "slow": "Slow", "repeated": "Repeated (N+1)"}


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """The databases over time, and one of the tables."""
    tab = request.GET.get("tab", "time")
    tab = tab if tab in TABS else "time"
    tabs = Tabs(
        [
            Link(title, address("queries", reader.period, tab=name), name == tab)
            for name, title in TABS.items()
        ]
    )
    table = repeated(reader) if tab == "repeated" else statements(reader, tab)
    return [chart(reader), tabs, table]


def chart(reader: Reader) -> Chart:
    """How long queries take, for each database."""
    found = reader.windows("db.client.operation.duration", ("db.alias",), buckets=True)
    return Chart(
        name="queries",
        title="Query time, p95",
        unit="s",
        times=reader.period.windows,
        lines=[
            Line(
                alias or "default", [quantile(point, 0.95) for point in points], "main"
            )
            for (alias,), points in sorted(found.items())[:5]
        ],
        marks=reader.deploys(),
    )


def statements(reader: Reader, tab: str) -> Table:
    """Statements, the costliest first."""
    by = (FINGERPRINT, "db.alias")
    found = reader.totals("spotter.db.statement.duration", by)
    ranked = sorted(found.items(), key=lambda item: -item[1].sum)
    slow = get_settings().slow_query_seconds
    if tab == "slow":
        ranked = [item for item in ranked if item[1].maximum >= slow]
        ranked.sort(key=lambda item: -item[1].mean)
    shown = ranked[:EACH]
    chosen = {FINGERPRINT: tuple(key for (key, _), _ in shown)}
    exact = reader.totals("spotter.db.statement.duration", by, chosen, buckets=True)
    rows = reader.totals("spotter.db.statement.rows", (FINGERPRINT,), chosen)
    known = texts(reader, chosen[FINGERPRINT])
    top = max((point.sum for _, point in shown), default=0) or 1
    return Table(
        name="statements",
        title=f"Statements ({len(ranked)})",
        columns=[
            Column("Statement", numeric=False),
            Column("Database", numeric=False),
            Column("Calls"),
            Column("Mean"),
            Column("p95"),
            Column("Longest"),
            Column("Rows"),
            Column("Total time"),
        ],
        rows=[
            [
                Cell(
                    write.short(text_of(key, known), 200),
                    mono=True,
                    href=link(reader, key),
                ),
                Cell(alias),
                *numbers(point, exact.get((key, alias)), rows.get((key,))),
                Cell(write.seconds(point.sum), point.sum, bar=point.sum / top),
            ]
            for (key, alias), point in shown
        ],
        empty="No query was measured in this period."
        if tab == "time"
        else f"No query took {write.seconds(slow)} or longer in this period.",
    )


def numbers(point: Point, exact: Point | None, rows: Point | None) -> list[Cell]:
    """How often a statement was called, how long it took, how much it read."""
    p95 = quantile(exact, 0.95)
    slow = "warn" if point.mean >= get_settings().slow_query_seconds else ""
    return [
        Cell(write.count(point.count), point.count),
        Cell(write.seconds(point.mean), point.mean, tone=slow),
        Cell(write.seconds(p95), p95),
        Cell(write.seconds(point.maximum), point.maximum),
        Cell(
            write.count(rows.mean) if rows else write.NONE, rows.mean if rows else None
        ),
    ]


def repeated(reader: Reader) -> Table:
    """What requests repeat, by the time that it takes."""
    seconds, counts = (reader.totals(name, BY_REPETITION) for name in REPEATED)
    ranked = sorted(seconds.items(), key=lambda item: -item[1].sum)[:EACH]
    latest = (
        examples_of_repeats(reader, [(r, k, s) for (_, r, k, s), _ in ranked])
        if ranked
        else {}
    )
    top = max((point.sum for _, point in ranked), default=0) or 1
    rows = []
    for group, point in ranked:
        kind, route, key, site = group
        example = latest.get((route, key, site))
        body = example.body if example else {}
        count = counts[group].mean if group in counts else 0
        rows.append(
            [
                Cell(kind_of(kind), tone="warn"),
                Cell(route, mono=True, href=address("requests/route", reader.period, route=route)),
                Cell(subject_of(body) or write.short(str(body.get("text", key)), 80), mono=True, href=link(reader, key)),
                Cell(site, mono=True),
                Cell(write.count(count), count),
                Cell(write.count(point.count), point.count),
                Cell(write.seconds(point.sum), point.sum, bar=point.sum / top),
                request_cell(reader, example, "one request") if example else Cell(write.NONE),
                Cell(str(body.get("advice", ""))),
            ]
        )  # fmt: skip
    return Table(
        name="repeated",
        title="Repeated in one request",
        columns=[
            Column("Kind", numeric=False),
            Column("Route", numeric=False),
            Column("What", numeric=False),
            Column("Line", numeric=False),
            Column("Times a request"),
            Column("Requests"),
            Column("Total time"),
            Column("Example", numeric=False),
            Column("Instead", numeric=False),
        ],
        rows=rows,
        empty="No request asked the same five times or more in this period.",
    )


PAGE = Page(path="queries", title="Queries", menu="Queries", build=build)
