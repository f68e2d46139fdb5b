"""Every cache: hits and misses by kind of key, what operations take, how full it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest

from spotter.dashboard import cache_advice
from spotter.dashboard import format as write
from spotter.dashboard.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Findings,
    Line,
    Table,
    Tile,
    Tiles,
)
from spotter.dashboard.cache_facts import (
    CacheFacts,
    caches,
    hit_share,
    windows_of,
)
from spotter.dashboard.cache_findings import findings
from spotter.dashboard.cache_table import servers
from spotter.dashboard.examples import all_or_one, requests_that
from spotter.dashboard.pages.overview import change
from spotter.dashboard.period import Period
from spotter.dashboard.reading import NO, Reader, Where
from spotter.dashboard.site import Page, address
from spotter.entries import Point

LOOKUPS = "spotter.cache.lookups"
HITS, MISSES = "spotter.cache.server.hits", "spotter.cache.server.misses"
#: Caches that a chart has a line for.
MAX_LINES = 5


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """
    What to do, in numbers, over time, what is behind each cache, its keys, its calls.

    Of one kind of key: over time, and requests that looked for it.
    """
    prefix = request.GET.get("prefix", "")
    if prefix:
        return one_prefix(reader, prefix)
    found = caches(reader)
    return [
        *(
            [Findings(findings(reader, found), calm="No cache is short of room.")]
            if found
            else []
        ),
        tiles(reader, found),
        chart(reader),
        evictions(reader),
        servers(reader, found),
        prefixes(reader),
        operations(reader),
    ]


def one_prefix(reader: Reader, prefix: str) -> Sequence[Block]:
    """Keys that begin alike."""

    def looks(span: Mapping[str, Any]) -> bool:
        return span["kind"] == "cache" and f" {prefix}:" in span["text"]

    return [
        all_or_one(reader, "cache", "All keys", prefix),
        chart(reader, {"cache.prefix": prefix}),
        requests_that(reader, f"Requests that asked for {prefix}", looks),
        prefixes(reader),
    ]


def tiles(reader: Reader, found: Sequence[CacheFacts]) -> Tiles:
    """Hit rate and lookups, the fullest cache, what was evicted."""
    now, before = sums(reader), sums(reader, reader.period.previous())
    share, share_before = hit_share(*now), hit_share(*before)
    # Local memory is full by nature; a server that is may be about to refuse.
    fullest = max(
        (cache for cache in found if cache.fill is not None),
        key=lambda cache: (bool(cache.limit), cache.fill or 0),
        default=None,
    )
    evicted = sum(cache.evictions for cache in found)
    return Tiles(
        [
            Tile(title="Hit rate", text=write.share(share), change=change(share, share_before)),
            Tile(title="Lookups", text=write.per_minute(sum(now) / reader.period.minutes), change=change(sum(now), sum(before))),
            Tile(
                title="Fullest cache",
                text=write.share(fullest.fill) if fullest else write.NONE,
                change=of_what(fullest),
                tone="bad" if fullest and cache_advice.is_in_danger(fullest) else "",
            ),
            Tile(
                title="Evictions",
                text=write.per_minute(evicted / reader.period.minutes) if found else write.NONE,
                change=f"{write.count(evicted)} in this period" if found else "",
            ),
        ]
    )  # fmt: skip


def sums(reader: Reader, period: Period | None = None) -> tuple[float, float]:
    """Hits and misses of all caches together."""
    found = reader.totals(LOOKUPS, ("result",), period=period)
    hits, misses = (found.get((result,)) for result in ("hit", "miss"))
    return (hits.sum if hits else 0.0, misses.sum if misses else 0.0)


def of_what(cache: CacheFacts | None) -> str:
    """What a cache is full of."""
    if cache is None:
        return "none tells a limit"
    if cache.limit:
        return f"{cache.alias}, of {write.size(cache.limit)}"
    return f"{cache.alias}, of {write.count(cache.entries_limit)} entries"


def chart(reader: Reader, where: Where = NO) -> Chart:
    """
    The share of lookups that found something, for each cache and its whole server.

    Of the lookups of some keys alone the server tells nothing.
    """
    found = reader.windows(LOOKUPS, ("cache.alias", "result"), where)
    lines = []
    for alias in sorted({alias for alias, _ in found})[:MAX_LINES]:
        hits, misses = (sums_of(found.get((alias, r)), reader) for r in ("hit", "miss"))
        lines.append(Line(alias or "default", rates(hits, misses), "main"))
    of_servers, missed = (
        {} if where else windows_of(reader, name) for name in (HITS, MISSES)
    )
    for key in sorted(of_servers.keys() & missed.keys())[: MAX_LINES - len(lines)]:
        title = " ".join(filter(None, (key[0], "whole server", key[1])))
        lines.append(Line(title, rates(of_servers[key], missed[key]), "calm"))
    return Chart(
        name="hits",
        title="Hit rate",
        unit="share",
        times=reader.period.windows,
        lines=lines,
        marks=reader.deploys(),
    )


def sums_of(
    points: Sequence[Point | None] | None, reader: Reader
) -> Sequence[float | None]:
    """How much a counter grew in each window."""
    if points is None:
        return [None] * len(reader.period.windows)
    return [point.sum if point else None for point in points]


def rates(
    hits: Sequence[float | None], misses: Sequence[float | None]
) -> list[float | None]:
    """The hit rate in each window."""
    return [hit_share(h or 0, m or 0) for h, m in zip(hits, misses, strict=True)]


def evictions(reader: Reader) -> Chart:
    """What made room, for each cache."""
    found = windows_of(reader, "spotter.cache.evictions")
    return Chart(
        name="evictions",
        title="Evictions a minute",
        unit="1/min",
        times=reader.period.windows,
        lines=[
            Line(
                " ".join(filter(None, key)),
                [None if v is None else 60 * v / reader.period.step for v in values],
            )
            for key, values in sorted(found.items())[:MAX_LINES]
        ],
        marks=reader.deploys(),
        bars=True,
    )


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
                Cell(
                    prefix,
                    mono=True,
                    href=address("cache", reader.period, prefix=prefix)
                    if prefix
                    else "",
                ),
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


PAGE = Page(path="cache", title="Cache", menu="Cache", build=build)
