"""One statement: its text, over time, who calls it, examples."""

from __future__ import annotations

from collections.abc import Sequence

import sqlparse
from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import (
    Block,
    Cell,
    Chart,
    Code,
    Column,
    Facts,
    Line,
    Note,
    Table,
)
from spotter.dashboard.examples import request_cell
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address
from spotter.dashboard.statements import FINGERPRINT
from spotter.dashboard.traffic import quantile
from spotter.entries import Sample

DURATION = "spotter.db.statement.duration"
#: Beyond this a text is shown as it is: laying it out would take too long.
MAX_FORMATTED = 2000


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """Everything of one statement."""
    where = {FINGERPRINT: request.GET.get("fingerprint", "")}
    found = reader.samples("statement", key=where[FINGERPRINT], limit=20)
    point = reader.total(DURATION, where, buckets=True)
    if not point.count and not found:
        return [
            Note(
                "No such statement",
                "It was not called in this period; choose a longer one.",
            )
        ]
    blocks: list[Block] = []
    if found:
        blocks += [
            Code("Statement", laid_out(str(found[0].body["text"]))),
            facts(found),
        ]
    return [
        *blocks,
        chart(reader, where),
        callers(reader, where),
        examples(reader, found),
    ]


def laid_out(text: str) -> str:
    """SQL in lines."""
    if len(text) > MAX_FORMATTED:
        return text
    return str(sqlparse.format(text, reindent=True, keyword_case="upper"))


def facts(found: Sequence[Sample]) -> Facts:
    """Where it comes from and what it touches."""
    body = found[0].body
    site = next((s.body["site"] for s in found if s.body["site"]), "")
    pairs = [
        ("Database", Cell(f"{body['alias']} ({body['system']})")),
        ("Tables", Cell(", ".join(body["tables"]), mono=True)),
        ("Asked by", Cell(site or "not looked up yet: it was never slow nor repeated", mono=bool(site))),
    ]  # fmt: skip
    return Facts("Where it comes from", pairs)


def chart(reader: Reader, where: dict[str, str]) -> Chart:
    """How long it takes."""
    reader = reader.as_kept(DURATION)
    windows = reader.period.windows
    points = reader.windows(DURATION, (), where, buckets=True).get(
        (), [None] * len(windows)
    )
    return Chart(
        name="duration",
        title="Duration",
        unit="s",
        times=windows,
        lines=[
            Line("p50", [quantile(point, 0.5) for point in points], "calm"),
            Line("p95", [quantile(point, 0.95) for point in points], "main"),
            Line(
                "longest",
                [p.maximum if p and p.count else None for p in points],
                "warn",
            ),
        ],
        marks=reader.deploys(),
    )


def callers(reader: Reader, where: dict[str, str]) -> Table:
    """Which routes call it."""
    found = reader.totals("spotter.db.statement.callers", ("http.route",), where)
    ranked = sorted(found.items(), key=lambda item: -item[1].sum)[:30]
    top = max((point.sum for _, point in ranked), default=0) or 1
    return Table(
        name="callers",
        title="Called by",
        columns=[
            Column("Route", numeric=False),
            Column("Calls"),
            Column("Mean"),
            Column("Total time"),
        ],
        rows=[
            [
                Cell(route or "no request", mono=True, href=address("requests/route", reader.period, route=route)),
                Cell(write.count(point.count), point.count),
                Cell(write.seconds(point.mean), point.mean),
                Cell(write.seconds(point.sum), point.sum, bar=point.sum / top),
            ]
            for (route,), point in ranked
        ],
        empty="It was not called in this period.",
    )  # fmt: skip


def examples(reader: Reader, found: Sequence[Sample]) -> Table:
    """The slowest calls that are kept."""
    return Table(
        name="examples",
        title="Examples",
        columns=[
            Column("When (UTC)", numeric=False),
            Column("Route", numeric=False),
            Column("Took"),
            Column("Rows"),
            Column("Request", numeric=False),
        ],
        rows=[
            [
                Cell(write.moment(sample.at), sample.at),
                Cell(sample.body["route"], mono=True),
                Cell(write.seconds(sample.body["duration"]), sample.body["duration"]),
                Cell(write.count(sample.body["rows"]), sample.body["rows"]),
                request_cell(reader, sample),
            ]
            for sample in found
        ],
        empty="No example is kept.",
    )


PAGE = Page(path="queries/statement", title="Statement", parent="queries", build=build)
