"""Spotter itself: what it costs, what it dropped, how large its store is."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from spotter.conf import get_settings
from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Cell, Column, Facts, Table, Tile, Tiles
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page
from spotter.dashboard.traffic import ALL
from spotter.stores import Store
from spotter.stores.sqlite import MEMORY, SqliteStore

KINDS = {"SqliteStore": "SQLite", "PostgresqlStore": "PostgreSQL"}


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """Cost, store, what was left out."""
    return [tiles(reader), store(reader), left_out(reader)]


def tiles(reader: Reader) -> Tiles:
    """What adding up costs, off the requests."""
    capture = reader.total("spotter.capture.duration")
    requests = reader.total(ALL).count
    cores = capture.sum / reader.period.seconds
    each = capture.sum / requests if requests else None
    return Tiles(
        [
            Tile(title="CPU of one core, all processes", text=write.share(cores)),
            Tile(title="Adding up, for each request", text=write.seconds(each)),
            Tile(title="Flushes", text=write.count(capture.count)),
            Tile(title="Store", text=write.size(reader.store.size())),
        ]
    )


def store(reader: Reader) -> Facts:
    """Where measurements go, and how long writing takes."""
    flush = reader.total("spotter.flush.duration")
    written = reader.written_at()
    return Facts(
        "Store",
        [
            ("Last batch", Cell(write.ago(reader.now - written) if written else "never")),
            ("Writing a batch", Cell(f"{write.seconds(flush.mean)} on average, {write.seconds(flush.maximum if flush.count else None)} at most")),
            ("Each process writes every", Cell(write.seconds(get_settings().flush_seconds))),
            ("Kind", Cell(kind_of(reader.store))),
        ],
    )  # fmt: skip


def kind_of(kept_in: Store) -> str:
    """What measurements are kept in."""
    if isinstance(kept_in, SqliteStore) and kept_in.path == MEMORY:
        return "memory of this process alone"
    return KINDS.get(type(kept_in).__name__, "another")


def left_out(reader: Reader) -> Table:
    """What was dropped, and metrics that have too many label sets."""
    dropped = reader.totals("spotter.dropped", ("what", "reason"))
    overflowed = reader.totals("spotter.series.overflowed", ("metric",))
    rows = [
        [Cell(what), Cell(reason), Cell(write.count(point.sum), point.sum, tone="warn")]
        for (what, reason), point in sorted(dropped.items())
        if point.sum
    ]
    rows += [
        [Cell(metric, mono=True), Cell("too many label sets: the rest is measured as one"), Cell(write.count(point.sum), point.sum)]
        for (metric,), point in sorted(overflowed.items())
    ]  # fmt: skip
    return Table(
        name="dropped",
        title="Left out",
        columns=[
            Column("What", numeric=False),
            Column("Why", numeric=False),
            Column("How many"),
        ],
        rows=rows,
        empty="Nothing was left out in this period.",
    )


PAGE = Page(path="self", title="Spotter itself", menu="Spotter", build=build)
