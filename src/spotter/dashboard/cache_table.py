"""What is behind each cache, as a table: how much of what, and what happens when full."""

from __future__ import annotations

from collections.abc import Sequence

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Cell, Column, Table
from spotter.dashboard.cache_advice import explained, in_short, is_in_danger
from spotter.dashboard.cache_facts import GONE_SECONDS, CacheFacts, hit_share
from spotter.dashboard.reading import Reader

NOTHING_TOLD = (
    "No cache has told of itself in this period. Redis and Memcached are asked every ten "
    "seconds by one process of each host, and local memory is read in each process; "
    "caches in files and in the database are not."
)
WHOSE = (
    "A server's evictions and hit rate are those of everything in it, whoever asked."
)
SYSTEMS = {"redis": "Redis", "memcached": "Memcached", "memory": "local memory"}


def servers(reader: Reader, found: Sequence[CacheFacts]) -> Table:
    """What the servers, and the memories of processes, say of themselves."""
    return Table(
        name="servers",
        title="Behind the caches",
        columns=[
            Column("Cache", numeric=False),
            Column("Kept in", numeric=False),
            Column("Entries"),
            Column("Memory"),
            Column("Evicted"),
            Column("Server's hit rate"),
            Column("When full", numeric=False),
            Column("Told", numeric=False),
        ],
        rows=[server_row(reader, cache) for cache in found],
        empty=NOTHING_TOLD,
        note=" ".join(filter(None, (explained(found), WHOSE if any(cache.hits is not None for cache in found) else ""))),
    )  # fmt: skip


def server_row(reader: Reader, cache: CacheFacts) -> list[Cell]:
    """One cache in the table."""
    is_old = reader.period.is_live and reader.now - cache.told_at > GONE_SECONDS
    share = hit_share(cache.hits or 0, cache.misses or 0)
    danger = "bad" if is_in_danger(cache) else ""
    return [
        Cell(cache.alias),
        Cell(kept_in(cache)),
        Cell(entries_text(cache), cache.entries, bar=cache.fill if cache.entries_limit else None),
        Cell(memory_text(cache), cache.memory, bar=cache.fill if cache.limit else None, tone=danger),
        Cell(write.per_minute(cache.evictions / reader.period.minutes), cache.evictions),
        Cell(write.share(share), share),
        Cell(in_short(cache) or write.NONE, tone=danger),
        Cell(
            write.ago(reader.now - cache.told_at) if cache.told_at else "never",
            tone="warn" if is_old or not cache.is_up else "muted",
        ),
    ]  # fmt: skip


def kept_in(cache: CacheFacts) -> str:
    """Where the entries are."""
    place = SYSTEMS.get(cache.system, "a server")
    if cache.system != "memory":
        return f"{place} on {cache.host}" if cache.host else place
    hosts = f" on {cache.hosts} hosts" if cache.hosts > 1 else ""
    return f"{place} of {some(cache.processes, 'process', 'processes')}{hosts}"


def some(number: int, one: str, many: str) -> str:
    """A number of things."""
    return f"{number} {one if number == 1 else many}"


def entries_text(cache: CacheFacts) -> str:
    """How many entries, and how many there may be in each process."""
    text = write.count(cache.entries)
    return (
        f"{text} of {write.count(cache.entries_limit)}" if cache.entries_limit else text
    )


def memory_text(cache: CacheFacts) -> str:
    """How much memory, of how much."""
    text = write.size(cache.memory)
    return f"{text} of {write.size(cache.limit)}" if cache.limit else text
