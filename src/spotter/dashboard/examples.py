"""Requests that are kept as examples: as rows, and where one of them is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Cell, Column, Link, Table, Tabs
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import address
from spotter.entries import Sample
from spotter.stores.contract import keep_of

COLUMNS = (
    Column("When (UTC)", numeric=False),
    Column("Why", numeric=False),
    Column("Request", numeric=False),
    Column("Status"),
    Column("Took"),
    Column("Queries"),
)
#: Examples that are looked through for something that they did, and shown.
LOOKED_THROUGH, SHOWN = 300, 30
#: How long a request may go on after it was measured what it does, in seconds.
LONGEST_SECONDS = 600


def example_row(reader: Reader, sample: Sample) -> list[Cell]:
    """One example of a request, under the columns above."""
    body = sample.body
    tone = {"failed": "bad", "slow": "warn"}.get(body["why"], "muted")
    href = waterfall_of(reader, sample.key, body["request_id"])
    return [
        Cell(write.moment(sample.at), sample.at, href=href),
        Cell(body["why"], tone=tone),
        Cell(f"{body['method']} {body['path']}", mono=True),
        Cell(str(body["status"]), tone="bad" if body["status"] >= 500 else ""),
        Cell(write.seconds(body["duration"]), body["duration"]),
        Cell(write.count(body["db_queries"]), body["db_queries"]),
    ]


def waterfall_of(reader: Reader, route: str, request_id: str) -> str:
    """Where it is shown what a request waited for."""
    return address("requests/example", reader.period, route=route, id=request_id)


def requests_that(
    reader: Reader, title: str, does: Callable[[Mapping[str, Any]], bool]
) -> Table:
    """
    The latest kept requests in whose waterfall something stands.

    Args:
        does: whether a span of theirs is that.
    """
    latest = reader.samples("request", limit=LOOKED_THROUGH, period=reader.period)
    found = [each for each in latest if any(map(does, each.body.get("spans", ())))]
    return Table(
        name="examples",
        title=title,
        columns=COLUMNS,
        rows=[example_row(reader, sample) for sample in found[:SHOWN]],
        empty="None of the latest requests that are kept did in this period.",
        note=f"Of the latest {LOOKED_THROUGH} requests that are kept as examples.",
    )


def all_or_one(reader: Reader, path: str, every: str, one: str) -> Tabs:
    """The way back from one thing of a page to all of them."""
    return Tabs(
        [Link(every, address(path, reader.period)), Link(one, "", is_current=True)]
    )


def is_kept(reader: Reader, sample: Sample) -> bool:
    """Whether the request that something else is an example of is kept, too."""
    if sample.at < reader.now - keep_of("request").keep:
        return False
    start = int(sample.at)
    around = dataclasses.replace(
        reader.period, start=start, end=start + LONGEST_SECONDS
    )
    found = reader.samples("request", key=str(sample.body["route"]), period=around)
    id_ = sample.body["request_id"]
    return any(each.body["request_id"] == id_ for each in found)


def request_cell(reader: Reader, sample: Sample, text: str = "") -> Cell:
    """
    The request that something else is an example of.

    It leads to what the request waited for where that is kept, else to its log lines.

    Args:
        text: what is read; else the beginning of the request's id.
    """
    id_ = str(sample.body["request_id"])
    if not id_:
        return Cell(write.NONE)
    if is_kept(reader, sample):
        href = waterfall_of(reader, str(sample.body["route"]), id_)
    else:
        href = address("logs", reader.period, request_id=id_)
    return Cell(text or id_[:16], id_, mono=not text, href=href)
