"""Hosts and workers: what is used of what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Cell, Column, Table
from spotter.dashboard.deploys import latest_deploys
from spotter.dashboard.host_charts import LAG, host_charts
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page
from spotter.entries import Point
from spotter.stores.contract import Group

HOST, PID, SERVER = "host.name", "process.pid", "server.name"
#: A process that has told nothing for so long is gone; a host is told as missing, until
#: it is gone from everywhere.
GONE_SECONDS = 60.0
#: Rows of a table.
MAX_ROWS = 100
#: From here on requests feel that a loop is held up.
LATE_SECONDS = 0.1

How = Callable[[float | None], str]


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """CPU and memory over time, hosts, servers, disks, processes, deploys."""
    return list(blocks(reader))


def blocks(reader: Reader) -> Iterator[Block]:
    """The page's, without what this project has nothing of."""
    yield from host_charts(reader)
    yield hosts(reader)
    yield servers(reader)
    yield disks(reader)
    yield processes(reader)
    yield latest_deploys(reader)


def hosts(reader: Reader) -> Table:
    """What each host told last."""
    columns: list[tuple[str, str, How]] = [
        ("CPU", "system.cpu.utilization", write.share),
        ("CPUs", "system.cpu.logical.count", write.count),
        ("Load", "system.cpu.load_average.1m", write.count),
        ("Memory", "system.memory.utilization", write.share),
        ("Memory, total", "system.memory.limit", write.size),
        ("Swap", "system.paging.usage", write.size),
    ]
    told = {name: reader.totals(name, (HOST,)) for _, name, _ in columns}
    killed = reader.totals("spotter.workers.oom_kills", (HOST,))
    seen = told["system.memory.utilization"]
    living = reader.living(seen)
    gone = len(seen) - len(living)
    return Table(
        name="hosts",
        title="Hosts",
        columns=[
            Column("Host", numeric=False),
            Column("Last seen", numeric=False),
            *(Column(title) for title, _, _ in columns),
            Column("Killed for memory"),
        ],
        rows=[
            [
                Cell(group[0], mono=True),
                seen_cell(reader, point),
                *(reading(told[name].get(group), how) for _, name, how in columns),
                alarming(killed[group].sum if group in killed else 0),
            ]
            for group, point in sorted(living.items())[:MAX_ROWS]
        ],
        empty="No host tells of itself.",
        note=f"{gone} more told of themselves in this period and are gone."
        if gone
        else "",
    )


def reading(point: Point | None, how: How) -> Cell:
    """What a gauge said last."""
    return Cell(write.NONE) if point is None else Cell(how(point.last), point.last)


def alarming(amount: float) -> Cell:
    """A number of things of which there should be none."""
    return Cell(write.count(amount), amount, tone="bad" if amount else "")


def seen_cell(reader: Reader, point: Point) -> Cell:
    """When a host was heard of; one that is silent is missing."""
    silent = reader.now - point.last_at
    is_missing = reader.period.is_live and silent > GONE_SECONDS
    text = f"missing, seen {write.ago(silent)}" if is_missing else write.ago(silent)
    return Cell(text, tone="warn" if is_missing else "")


def servers(reader: Reader) -> Table:
    """Web servers: workers that live of those that should, and how others ended."""
    by = (HOST, SERVER, PID)
    alive = reader.living(
        reader.totals("spotter.server.workers.alive", by), GONE_SECONDS
    )
    wanted = reader.totals("spotter.server.workers.configured", by)
    ended = reader.totals("spotter.workers.ended", (HOST, SERVER, "how"))
    return Table(
        name="servers",
        title="Web servers",
        columns=[
            Column("Host", numeric=False),
            Column("Server", numeric=False),
            Column("Process", numeric=False),
            Column("Workers"),
            Column("Restarted"),
            Column("Killed or crashed"),
        ],
        rows=[
            [
                Cell(group[0], mono=True),
                Cell(group[1]),
                Cell(group[2], mono=True),
                workers_cell(point, wanted.get(group)),
                Cell(write.count(restarts(ended, group, ("exited", "unknown")))),
                alarming(restarts(ended, group, ("killed",))),
            ]
            for group, point in sorted(alive.items())[:MAX_ROWS]
        ],
        empty="No worker of gunicorn, uvicorn or granian tells of itself.",
        note="Restarted: workers of this host and server that ended while it lived on. "
        "uvicorn's say nothing at their end: a crash is among them."
        if any(group[1] == "uvicorn" for group in alive)
        else "",
    )


def workers_cell(alive: Point, wanted: Point | None) -> Cell:
    """How many live of how many there should be."""
    if wanted is None:
        return Cell(write.count(alive.last), alive.last)
    text = f"{write.count(alive.last)} of {write.count(wanted.last)}"
    return Cell(text, alive.last, tone="bad" if alive.last < wanted.last else "")


def restarts(
    ended: dict[Group, Point], group: Group, how: Sequence[str]
) -> float:  # fmt: skip
    """Workers of one host and server that ended in one of these ways."""
    return sum(ended[k].sum for each in how if (k := (*group[:2], each)) in ended)


def disks(reader: Reader) -> Table:
    """How full each mount is."""
    by = (HOST, "system.filesystem.mountpoint")
    found = reader.living(reader.totals("system.filesystem.utilization", by))
    limits = reader.totals("system.filesystem.limit", by)
    return Table(
        name="disks",
        title="Disks",
        columns=[
            Column("Host", numeric=False),
            Column("Mount", numeric=False),
            Column("Used"),
            Column("Size"),
        ],
        rows=[
            [
                Cell(group[0], mono=True),
                Cell(group[1], mono=True),
                Cell(
                    write.share(point.last),
                    point.last,
                    bar=point.last,
                    tone="bad" if point.last > 0.9 else "",
                ),
                reading(limits.get(group), write.size),
            ]
            for group, point in sorted(found.items())[:MAX_ROWS]
        ],
        empty="No disk is read.",
    )


def processes(reader: Reader) -> Table:
    """The processes that live, the largest first."""
    by = (HOST, PID)
    columns: list[tuple[str, str, How]] = [
        ("Requests in flight", "http.server.active_requests", write.count),
        ("Loop lag", LAG, write.seconds),
        ("CPU", "process.cpu.utilization", write.share),
        ("Open files", "process.open_file_descriptor.count", write.count),
    ]
    found = {name: reader.totals(name, by) for _, name, _ in columns}
    busy = {n: reader.totals(f"spotter.workers.{n}", by) for n in ("busy", "count")}
    releases = releases_of(reader)
    alive = reader.living(reader.totals("process.memory.usage", by), GONE_SECONDS)
    top = max((point.last for point in alive.values()), default=0) or 1
    return Table(
        name="processes",
        title=f"Processes ({len(alive)})",
        columns=[
            Column("Host", numeric=False),
            Column("Process", numeric=False),
            Column("Release", numeric=False),
            Column("Threads busy"),
            *(Column(title) for title, _, _ in columns),
            Column("Memory"),
        ],
        rows=[
            [
                Cell(group[0], mono=True),
                Cell(group[1], mono=True),
                Cell(releases.get(group, write.NONE), mono=group in releases),
                busy_cell(busy["busy"].get(group), busy["count"].get(group)),
                *(cell_of(name, found[name].get(group), how) for _, name, how in columns),
                Cell(write.size(point.last), point.last, bar=point.last / top),
            ]
            for group, point in sorted(alive.items(), key=lambda i: -i[1].last)[:MAX_ROWS]
        ],
        empty="No process tells of itself.",
    )  # fmt: skip


def cell_of(metric: str, point: Point | None, how: How) -> Cell:
    """A reading; a loop that is held up stands out."""
    if metric == LAG and point is not None and point.last >= LATE_SECONDS:
        return Cell(how(point.last), point.last, tone="warn")
    return reading(point, how)


def busy_cell(busy: Point | None, count: Point | None) -> Cell:
    """How many of a worker's threads are at work; an event loop has no number."""
    if busy is None or count is None or not count.last:
        return Cell(write.NONE)
    text = f"{write.count(busy.last)} of {write.count(count.last)}"
    return Cell(text, busy.last, tone="bad" if busy.last >= count.last else "")


def releases_of(reader: Reader) -> dict[Group, str]:
    """What each process runs, as far as it serves requests."""
    by = (HOST, PID, "service.version")
    found = reader.totals("spotter.process.release", by)
    latest_first = sorted(found.items(), key=lambda item: item[1].last_at)
    return {group[:2]: group[2] for group, point in latest_first if point.last}


PAGE = Page(path="hosts", title="Hosts and workers", menu="Hosts", build=build)
