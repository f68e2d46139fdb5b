"""Hosts and workers: what is used of what there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Cell, Chart, Column, Line, Table
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page

HOST, PID = "host.name", "process.pid"
#: A process that has told nothing for so long is gone.
GONE_SECONDS = 60.0


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """CPU and memory over time, hosts, disks, processes."""
    return [
        chart(reader, "system.cpu.utilization", "CPU"),
        chart(reader, "system.memory.utilization", "Memory"),
        hosts(reader),
        disks(reader),
        processes(reader),
    ]


def chart(reader: Reader, metric: str, title: str) -> Chart:
    """One of a host's shares over time."""
    found = reader.windows(metric, (HOST,))
    return Chart(
        name=title.lower(),
        title=title,
        unit="share",
        times=reader.period.windows,
        lines=[
            Line(host, [p.mean if p and p.count else None for p in points], "main")
            for (host,), points in sorted(found.items())[:6]
        ],
        marks=reader.deploys(),
    )


def hosts(reader: Reader) -> Table:
    """What each host told last."""
    columns: list[tuple[str, str, Callable[[float | None], str]]] = [
        ("CPU", "system.cpu.utilization", write.share),
        ("CPUs", "system.cpu.logical.count", write.count),
        ("Load", "system.cpu.load_average.1m", write.count),
        ("Memory", "system.memory.utilization", write.share),
        ("of", "system.memory.limit", write.size),
        ("Swap", "system.paging.usage", write.size),
    ]
    values = {name: reader.totals(name, (HOST,)) for _, name, _ in columns}
    started = reader.totals("spotter.workers.started", (HOST,))
    killed = reader.totals("spotter.workers.oom_kills", (HOST,))
    return Table(
        name="hosts",
        title="Hosts",
        columns=[
            Column("Host", numeric=False),
            *(Column(title) for title, _, _ in columns),
            Column("Workers started"),
            Column("Killed for memory"),
            Column("Last seen", numeric=False),
        ],
        rows=[
            [
                Cell(host, mono=True),
                *(
                    Cell(how(p.last), p.last) if (p := values[name].get((host,))) else Cell(write.NONE)
                    for _, name, how in columns
                ),
                Cell(write.count(started[host,].sum if (host,) in started else 0)),
                killed_cell(killed[host,].sum if (host,) in killed else 0),
                Cell(write.ago(reader.now - seen.last_at)),
            ]
            for (host,), seen in sorted(values["system.cpu.utilization"].items())
        ],
        empty="No host has told of itself in this period.",
    )  # fmt: skip


def killed_cell(amount: float) -> Cell:
    """How many processes the kernel killed."""
    return Cell(write.count(amount), amount, tone="bad" if amount else "")


def disks(reader: Reader) -> Table:
    """How full each mount is."""
    by = (HOST, "system.filesystem.mountpoint")
    found = reader.totals("system.filesystem.utilization", by)
    limits = reader.totals("system.filesystem.limit", by)
    return Table(
        name="disks",
        title="Disks",
        columns=[
            Column("Host", numeric=False),
            Column("Mount", numeric=False),
            Column("Used"),
            Column("of"),
        ],
        rows=[
            [
                Cell(host, mono=True),
                Cell(mount, mono=True),
                Cell(
                    write.share(point.last),
                    point.last,
                    bar=point.last,
                    tone="bad" if point.last > 0.9 else "",
                ),
                Cell(
                    write.size(
                        limits[host, mount].last if (host, mount) in limits else None
                    )
                ),
            ]
            for (host, mount), point in sorted(found.items())
        ],
        empty="No disk has been read in this period.",
    )


def processes(reader: Reader) -> Table:
    """The processes that live, the largest first."""
    by = (HOST, PID)
    memory = reader.totals("process.memory.usage", by)
    cpu = reader.totals("process.cpu.utilization", by)
    files = reader.totals("process.open_file_descriptor.count", by)
    active = reader.totals("http.server.active_requests", by)
    alive = {
        group: point
        for group, point in memory.items()
        if reader.now - point.last_at < GONE_SECONDS or not reader.period.is_live
    }
    top = max((point.last for point in alive.values()), default=0) or 1
    return Table(
        name="processes",
        title=f"Processes ({len(alive)})",
        columns=[
            Column("Host", numeric=False),
            Column("Process", numeric=False),
            Column("Requests in flight"),
            Column("CPU"),
            Column("Open files"),
            Column("Memory"),
        ],
        rows=[
            [
                Cell(group[0], mono=True),
                Cell(group[1], mono=True),
                *(
                    Cell(how(found[group].last), found[group].last) if group in found else Cell(write.NONE)
                    for found, how in ((active, write.count), (cpu, write.share), (files, write.count))
                ),
                Cell(write.size(point.last), point.last, bar=point.last / top),
            ]
            for group, point in sorted(alive.items(), key=lambda i: -i[1].last)[:100]
        ],
        empty="No process has told of itself in this period.",
    )  # fmt: skip


PAGE = Page(path="hosts", title="Hosts and workers", menu="Hosts", build=build)
