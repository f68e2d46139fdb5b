"""Calls to other servers: how many, how long, how many failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Cell, Chart, Column, Line, Table
from spotter.dashboard.examples import all_or_one, requests_that
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address
from spotter.dashboard.traffic import quantile
from spotter.entries import Point

DURATION = "http.client.request.duration"
HOST = "server.address"


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """All hosts over time, and each; or one, and requests that called it."""
    host = request.GET.get("host", "")
    if not host:
        return [chart(reader, "other servers", {}), hosts(reader)]

    def calls(span: Mapping[str, Any]) -> bool:
        return span["kind"] == "http" and host in span["text"].split()[1:2]

    return [
        all_or_one(reader, "outgoing", "All hosts", host),
        chart(reader, host, {HOST: host}),
        requests_that(reader, f"Requests that called {host}", calls),
        hosts(reader),
    ]


def chart(reader: Reader, what: str, where: Mapping[str, str]) -> Chart:
    """How long they take to answer."""
    points = reader.windows(DURATION, where=where, buckets=True).get(
        (), [None] * len(reader.period.windows)
    )
    return Chart(
        name="duration",
        title=f"Response time of {what}",
        unit="s",
        times=reader.period.windows,
        lines=[
            Line("p50", [quantile(point, 0.5) for point in points], "calm"),
            Line("p95", [quantile(point, 0.95) for point in points], "main"),
        ],
        marks=reader.deploys(),
    )


def hosts(reader: Reader) -> Table:
    """Each host."""
    by = (HOST, "http.response.status_code", "error.type")
    total: dict[str, Point] = {}
    failed: dict[str, float] = {}
    for (host, status, error), point in reader.totals(
        DURATION, by, buckets=True
    ).items():
        total.setdefault(host, Point()).merge(point)
        if error or status >= "500":
            failed[host] = failed.get(host, 0) + point.count
    ranked = sorted(total.items(), key=lambda item: -item[1].sum)
    top = max((point.sum for _, point in ranked), default=0) or 1
    return Table(
        name="hosts",
        title="Hosts",
        columns=[
            Column("Host", numeric=False),
            Column("Rate"),
            Column("Failed"),
            Column("p50"),
            Column("p95"),
            Column("Longest"),
            Column("Total time"),
        ],
        rows=[
            [
                Cell(
                    host,
                    mono=True,
                    href=address("outgoing", reader.period, host=host) if host else "",
                ),
                Cell(
                    write.per_minute(point.count / reader.period.minutes), point.count
                ),
                failed_cell(failed.get(host, 0) / point.count),
                Cell(write.seconds(quantile(point, 0.5)), quantile(point, 0.5)),
                Cell(write.seconds(quantile(point, 0.95)), quantile(point, 0.95)),
                Cell(write.seconds(point.maximum), point.maximum),
                Cell(write.seconds(point.sum), point.sum, bar=point.sum / top),
            ]
            for host, point in ranked
        ],
        empty="No other server was called in this period. Calls with requests, httpx and "
        "urllib3 are measured by themselves.",
    )


def failed_cell(share: float) -> Cell:
    """How many calls failed."""
    return Cell(write.share(share), share, tone="bad" if share > 0.01 else "")


PAGE = Page(path="outgoing", title="Outgoing", menu="Outgoing", build=build)
