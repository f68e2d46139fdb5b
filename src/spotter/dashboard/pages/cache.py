"""Every cache: hits and misses by kind of key, what operations take, how full it is."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Cell, Chart, Column, Line, Table
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page

LOOKUPS = "spotter.cache.lookups"
#: Gauges and counters of a cache's server, and how to write them.
SERVER = {
    "spotter.cache.entries": ("Entries", write.count),
    "spotter.cache.memory.usage": ("Memory", write.size),
    "spotter.cache.memory.limit": ("Limit", write.size),
    "spotter.cache.evictions": ("Evictions", write.count),
    "spotter.cache.server.hits": ("Hits of the whole server", write.count),
    "spotter.cache.server.misses": ("Misses of the whole server", write.count),
}


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """Hit rate over time, by prefix, operations, servers."""
    return [chart(reader), prefixes(reader), operations(reader), servers(reader)]


def chart(reader: Reader) -> Chart:
    """The share of lookups that found something, for each cache."""
    found = reader.windows(LOOKUPS, ("cache.alias", "result"))
    nothing: list[None] = [None] * len(reader.period.windows)
    lines = []
    for alias in sorted({alias for alias, _ in found})[:5]:
        pairs = zip(
            found.get((alias, "hit"), nothing),
            found.get((alias, "miss"), nothing),
            strict=True,
        )
        values = [hit_share(h.sum if h else 0, m.sum if m else 0) for h, m in pairs]
        lines.append(Line(alias or "default", values, "main"))
    return Chart(
        name="hits",
        title="Hit rate",
        unit="share",
        times=reader.period.windows,
        lines=lines,
        marks=reader.deploys(),
    )


def hit_share(hits: float, misses: float) -> float | None:
    """Hits of all lookups; None when there were none."""
    return hits / (hits + misses) if hits + misses else None


def prefixes(reader: Reader) -> Table:
    """What is looked for, by the beginning of its key."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    by = ("cache.alias", "cache.prefix", "result")
    for (alias, prefix, result), point in reader.totals(LOOKUPS, by).items():
        found.setdefault((alias, prefix), {"hit": 0, "miss": 0})[result] = point.sum
    ranked = sorted(found.items(), key=lambda item: -item[1]["miss"])[:100]
    top = max((each["miss"] for _, each in ranked), default=0) or 1
    return Table(
        name="prefixes",
        title="Keys",
        columns=[
            Column("Cache", numeric=False),
            Column("Key begins with", numeric=False),
            Column("Lookups"),
            Column("Hit rate"),
            Column("Misses"),
        ],
        rows=[
            [
                Cell(alias),
                Cell(prefix, mono=True),
                Cell(write.count(sum(each.values())), sum(each.values())),
                rate_cell(each["hit"], each["miss"]),
                Cell(write.count(each["miss"]), each["miss"], bar=each["miss"] / top),
            ]
            for (alias, prefix), each in ranked
            if sum(each.values())
        ],
        empty="Nothing was looked up in a cache in this period.",
    )


def rate_cell(hits: float, misses: float) -> Cell:
    """A hit rate; a low one over many lookups stands out."""
    share = hit_share(hits, misses)
    is_low = share is not None and share < 0.5 and hits + misses >= 1000
    return Cell(write.share(share), share, tone="warn" if is_low else "")


def operations(reader: Reader) -> Table:
    """What each operation takes."""
    by = ("cache.alias", "operation")
    found = reader.totals("spotter.cache.operation.duration", by)
    errors = reader.totals("spotter.cache.errors", ("cache.alias",))
    rows = [
        [
            Cell(alias),
            Cell(operation, mono=True),
            Cell(write.count(point.count), point.count),
            Cell(write.seconds(point.mean), point.mean),
            Cell(write.seconds(point.maximum), point.maximum),
        ]
        for (alias, operation), point in sorted(found.items(), key=lambda i: -i[1].sum)
    ]
    failed = sum(point.sum for point in errors.values())
    return Table(
        name="operations",
        title="Operations",
        columns=[
            Column("Cache", numeric=False),
            Column("Operation", numeric=False),
            Column("Calls"),
            Column("Mean"),
            Column("Longest"),
        ],
        rows=rows,
        empty="No operation was measured in this period.",
        note=f"{write.count(failed)} operations failed." if failed else "",
    )


def servers(reader: Reader) -> Table:
    """What the servers say of themselves."""
    values: dict[str, dict[str, float]] = {}
    for name in SERVER:
        is_counter = name.endswith(("evictions", "hits", "misses"))
        for (alias,), point in reader.totals(name, ("cache.alias",)).items():
            values.setdefault(alias, {})[name] = point.sum if is_counter else point.last
    return Table(
        name="servers",
        title="Servers",
        columns=[
            Column("Cache", numeric=False),
            *(Column(t) for t, _ in SERVER.values()),
        ],
        rows=[
            [
                Cell(alias),
                *(
                    Cell(how(each[name]), each[name])
                    if name in each
                    else Cell(write.NONE)
                    for name, (_, how) in SERVER.items()
                ),
            ]
            for alias, each in sorted(values.items())
        ],
        empty="Size, memory and evictions of the caches' servers are not measured yet.",
        note="Hits and misses of a whole server include what other programs ask it.",
    )


PAGE = Page(path="cache", title="Cache", menu="Cache", build=build)
