"""Every metric that Spotter makes: what kind it is, its unit, what it means."""

from __future__ import annotations

import dataclasses
import re
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "summary"]
Unit = Literal["", "s", "By", "1"]


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """
    One metric.

    Args:
        unit: "s" seconds, "By" bytes, "1" a share from 0 to 1, "" a number of things.
        is_detailed: whether it has a series for each statement, which a scraper is
            spared unless it asks.
    """

    kind: Kind
    unit: Unit
    help: str
    is_detailed: bool = False


METRICS: dict[str, Metric] = {
    "http.server.request.duration": Metric("histogram", "s", "Duration of requests."),
    "http.server.request.body.size": Metric("summary", "By", "Size of request bodies."),
    "http.server.response.body.size": Metric("summary", "By", "Size of answers."),
    "http.server.active_requests": Metric("gauge", "", "Requests in flight in one process."),
    "spotter.http.server.duration": Metric("histogram", "s", "Duration of all requests together."),
    "spotter.http.server.queue.duration": Metric("histogram", "s", "Time in the proxy's queue, by X-Request-Start."),
    "spotter.http.server.exceptions": Metric("counter", "", "Exceptions that ended a request."),
    "spotter.http.server.disconnects": Metric("counter", "", "Clients that hung up before the end."),
    "spotter.http.server.agents": Metric("counter", "", "Requests of programs and of people."),
    "spotter.http.server.db.queries": Metric("summary", "", "Queries of one request."),
    "spotter.http.server.db.duration": Metric("summary", "s", "Database time of one request."),
    "spotter.http.server.cache.duration": Metric("summary", "s", "Cache time of one request."),
    "db.client.operation.duration": Metric("histogram", "s", "Duration of queries, fetching included."),
    "spotter.db.statement.duration": Metric("histogram", "s", "Duration of one statement.", True),
    "spotter.db.statement.rows": Metric("summary", "", "Rows that one call read.", True),
    "spotter.db.statement.callers": Metric("summary", "s", "Time of one statement, by the route that asked.", True),
    "spotter.db.errors": Metric("counter", "", "Queries that failed."),
    "spotter.db.repeated": Metric("summary", "s", "Time of what one request repeats.", True),
    "spotter.db.repeated.queries": Metric("summary", "", "How often one request repeats it.", True),
    "spotter.cache.lookups": Metric("counter", "", "Lookups that hit or missed."),
    "spotter.cache.operation.duration": Metric("summary", "s", "Duration of cache operations."),
    "spotter.cache.errors": Metric("counter", "", "Cache operations that failed."),
    "spotter.cache.entries": Metric("gauge", "", "Entries of a cache."),
    "spotter.cache.entries.limit": Metric("gauge", "", "Entries that a cache in local memory may have."),
    "spotter.cache.memory.usage": Metric("gauge", "By", "Memory that a cache uses."),
    "spotter.cache.memory.limit": Metric("gauge", "By", "Memory that a cache may use."),
    "spotter.cache.evictions": Metric("counter", "", "Entries that had to make room."),
    "spotter.cache.culls": Metric("counter", "", "Times that a cache in local memory made room."),
    "spotter.cache.server.up": Metric("gauge", "", "1 when the servers of a cache tell of themselves, else 0."),
    "spotter.cache.server.policy": Metric("gauge", "", "1, labelled with what the servers do when they are full."),
    "spotter.cache.server.hits": Metric("counter", "", "Hits of the cache's whole server."),
    "spotter.cache.server.misses": Metric("counter", "", "Misses of the cache's whole server."),
    "spotter.task.events": Metric("counter", "", "Tasks queued, started, succeeded, failed, retried."),
    "spotter.task.duration": Metric("histogram", "s", "Duration of tasks."),
    "spotter.task.wait": Metric("histogram", "s", "Time from queued to started."),
    "spotter.task.queue.depth": Metric("gauge", "", "Tasks that wait."),
    "spotter.task.queue.oldest": Metric("gauge", "s", "Age of the longest waiting task."),
    "spotter.command.duration": Metric("histogram", "s", "Duration of management commands."),
    "http.client.request.duration": Metric("histogram", "s", "Duration of calls to other servers."),
    "system.cpu.utilization": Metric("gauge", "1", "CPU in use."),
    "system.cpu.load_average.1m": Metric("gauge", "", "Load average of a minute."),
    "system.cpu.logical.count": Metric("gauge", "", "CPUs of the host, or of its container's limit."),
    "system.memory.usage": Metric("gauge", "By", "Memory in use."),
    "system.memory.limit": Metric("gauge", "By", "Memory of the host, or of its container's limit."),
    "system.memory.utilization": Metric("gauge", "1", "Memory in use."),
    "system.paging.usage": Metric("gauge", "By", "Swap in use."),
    "system.filesystem.usage": Metric("gauge", "By", "Disk in use."),
    "system.filesystem.limit": Metric("gauge", "By", "Size of a disk."),
    "system.filesystem.utilization": Metric("gauge", "1", "Disk in use."),
    "system.network.io": Metric("counter", "By", "Bytes over the network."),
    "process.memory.usage": Metric("gauge", "By", "Resident memory of a process."),
    "process.cpu.utilization": Metric("gauge", "1", "CPU of a process, of one core."),
    "process.open_file_descriptor.count": Metric("gauge", "", "Open files of a process."),
    "spotter.process.release": Metric("gauge", "", "1 while a process runs a release, 0 when it has ended."),
    "spotter.workers.busy": Metric("gauge", "", "Threads of a worker that are at work."),
    "spotter.workers.count": Metric("gauge", "", "Threads of a worker."),
    "spotter.server.workers.alive": Metric("gauge", "", "Workers of a web server that live."),
    "spotter.server.workers.configured": Metric("gauge", "", "Workers that a web server was told to have."),
    "spotter.workers.ended": Metric("counter", "", "Workers that ended while their server lived on."),
    "spotter.event_loop.lag": Metric("gauge", "s", "Most that an event loop came late of late."),
    "spotter.event_loop.threads": Metric("gauge", "", "Threads that run sync code for an event loop."),
    "spotter.workers.started": Metric("counter", "", "Processes that began to measure."),
    "spotter.workers.oom_kills": Metric("counter", "", "Processes that the kernel killed for memory."),
    "spotter.probe.success": Metric("gauge", "", "1 when a monitor's last probe was right, else 0."),
    "spotter.probe.failures": Metric("gauge", "", "Probes of a monitor that failed in a row."),
    "spotter.probe.duration": Metric("histogram", "s", "Duration of a monitor's probes."),
    "spotter.probe.tls.expiry": Metric("gauge", "s", "Time until a certificate expires."),
    "spotter.health_check.up": Metric("gauge", "", "1 when a health check found it well, else 0."),
    "spotter.logs.lost": Metric("counter", "", "Log lines that could not be written."),
    "spotter.watcher.leading": Metric("gauge", "", "Whether a watcher leads; 0 where it stands by."),
    "spotter.watcher.cycle.duration": Metric("summary", "s", "Duration of the watcher's cycles."),
    "spotter.flush.duration": Metric("summary", "s", "Time to write a batch."),
    "spotter.capture.duration": Metric("summary", "s", "CPU of adding up, of one flush."),
    "spotter.dropped": Metric("counter", "", "What had to be left out."),
    "spotter.detail.share": Metric("gauge", "1", "Requests that are looked at in detail."),
    "spotter.series.overflowed": Metric("counter", "", "Measurements that found no series of their own."),
}  # fmt: skip

SUFFIXES: dict[Unit, str] = {"s": "_seconds", "By": "_bytes", "1": "_ratio", "": ""}
OTHER_CHARACTERS = re.compile(r"[^A-Za-z0-9_]")


def plain_name(name: str) -> str:
    """
    A metric's or label's name of such characters as Prometheus takes.

    One name that it does not take would cost a scraper everything else.
    """
    plain = OTHER_CHARACTERS.sub("_", name)
    return f"_{plain}" if plain[:1].isdigit() else plain


def exposed_name(name: str, metric: Metric) -> str:
    """
    The name as Prometheus has it, without a counter's `_total`.

    https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
    """
    plain = plain_name(name)
    if metric.kind == "gauge":
        # Prometheus keeps this ending for histograms and summaries.
        plain = plain.removesuffix("_count")
    suffix = SUFFIXES[metric.unit]
    return plain if plain.endswith(suffix) else f"{plain}{suffix}"
