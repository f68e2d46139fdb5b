"""One request: what it waited for, and where its log lines are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Bar, Block, Cell, Facts, Note, Waterfall
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """One example, by its route and request id."""
    route, id_ = request.GET.get("route", ""), request.GET.get("id", "")
    for sample in reader.samples("request", key=route, limit=1000):
        if sample.body["request_id"] == id_:
            return [facts(reader, sample.body), waterfall(reader, sample.body)]
    return [
        Note(
            "This example is not kept any more",
            "The failed and the slowest requests of each route and hour are kept for "
            "three days. Its log lines may still be there: look for the request id.",
        )
    ]


def facts(reader: Reader, body: dict[str, Any] | Any) -> Facts:
    """What is known of the request."""
    pairs = [
        ("Request", Cell(f"{body['method']} {body['path']}", mono=True)),
        ("Route", Cell(body["route"], mono=True, href=address("requests/route", reader.period, route=body["route"]))),
        ("When (UTC)", Cell(write.moment(body["started_at"]))),
        ("Status", Cell(str(body["status"]), tone="bad" if body["status"] >= 500 else "")),
        ("Took", Cell(write.seconds(body["duration"]))),
        ("Exception", Cell(body["exception"], mono=True, tone="bad")),
        ("Queries", Cell(f"{body['db_queries']}, {write.seconds(body['db_seconds'])}")),
        ("Cache", Cell(f"{body['cache_hits']} hits, {body['cache_misses']} misses")),
        ("Waited in the proxy", Cell(write.seconds(body["queue_seconds"]) if body["queue_seconds"] is not None else "")),
        ("User", Cell(body["user_id"])),
        ("Request id", Cell(body["request_id"], mono=True)),
        ("Log lines", Cell("show them", href=address("logs", reader.period, request_id=body["request_id"]))),
    ]  # fmt: skip
    return Facts("Request", [(name, cell) for name, cell in pairs if cell.text])


def waterfall(reader: Reader, body: dict[str, Any] | Any) -> Waterfall:
    """Its spans, each at its place."""
    whole = max(body["duration"], 1e-6)
    bars = [
        Bar(
            span["kind"],
            span["text"],
            write.seconds(span["duration"]),
            f"{100 * min(max(span['at'] / whole, 0), 0.997):.2f}",
            f"{100 * min(max(span['duration'] / whole, 0.003), 1):.2f}",
            address("queries/statement", reader.period, fingerprint=span["fingerprint"])
            if span.get("fingerprint")
            else "",
        )
        for span in body["spans"]
    ]
    return Waterfall(
        "What it waited for",
        write.seconds(body["duration"]),
        bars,
        body["spans_dropped"],
    )


PAGE = Page(
    path="requests/example", title="One request", parent="requests", build=build
)
