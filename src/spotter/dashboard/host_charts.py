"""What hosts use over time, as charts with a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from spotter.dashboard.blocks import Chart, Line
from spotter.dashboard.reading import Reader
from spotter.entries import Point

HOST = "host.name"
LAG = "spotter.event_loop.lag"
#: Lines of a chart.
MAX_LINES = 6

#: Values over time, by host.
Lines = dict[str, list[float | None]]


def host_charts(reader: Reader) -> Iterator[Chart]:
    """CPU, memory and network; threads or event loops where workers have them."""
    step = reader.period.step
    yield chart(reader, "CPU", "share", means(reader, "system.cpu.utilization"))
    yield chart(reader, "Memory", "share", means(reader, "system.memory.utilization"))
    network = values(reader, "system.network.io", lambda point: point.sum / step)
    yield chart(reader, "Network, each second", "bytes", network)
    # The worst of all loops: a mean would hide the one that is held up.
    lag = values(reader, LAG, lambda point: point.maximum)
    for title, unit, lines in (
        ("Busy threads", "share", busy_shares(reader)),
        ("Event loop lag", "s", lag),
    ):
        if lines:
            yield chart(reader, title, unit, lines)


def values(reader: Reader, metric: str, take: Callable[[Point], float]) -> Lines:
    """A number of each host in each window."""
    return {
        host: [take(p) if p is not None and p.count else None for p in points]
        for (host,), points in reader.windows(metric, (HOST,)).items()
    }


def means(reader: Reader, metric: str) -> Lines:
    """The mean of a gauge."""
    return values(reader, metric, lambda point: point.mean)


def busy_shares(reader: Reader) -> Lines:
    """Of the threads of all workers of a host, how many were at work."""
    busy = values(reader, "spotter.workers.busy", lambda point: point.sum)
    there = values(reader, "spotter.workers.count", lambda point: point.sum)
    return {
        host: [
            None if b is None or not c else b / c
            for b, c in zip(busy[host], there[host], strict=True)
        ]
        for host in busy.keys() & there.keys()
    }


def chart(reader: Reader, title: str, unit: str, lines: Lines) -> Chart:
    """A number of each host over time: of those that are highest now, if many."""
    ranked = sorted(lines, key=lambda host: latest(lines[host]), reverse=True)
    is_many = len(lines) > MAX_LINES
    return Chart(
        name=title.lower().replace(",", "").replace(" ", "-"),
        title=f"{title}: {MAX_LINES} highest of {len(lines)} hosts" if is_many else title,
        unit=unit,
        times=reader.period.windows,
        lines=[Line(host, lines[host], "main") for host in sorted(ranked[:MAX_LINES])],
        marks=reader.deploys(),
    )  # fmt: skip


def latest(values: Sequence[float | None]) -> tuple[int, float]:
    """By which lines are ranked: how late one was seen, and how high."""
    for number in range(len(values) - 1, -1, -1):
        if (value := values[number]) is not None:
            # Hosts do not all tell in the same window.
            return number // 3, value
    return -1, 0.0
