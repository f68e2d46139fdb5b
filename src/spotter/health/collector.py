"""What the health checks found last, and the process itself, as metrics."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from spotter.health.runner import get_runner
from spotter.metrics import Family, collector


@collector
def health_families() -> Iterator[Family]:
    """The last outcomes; a scrape runs no check."""
    outcomes = get_runner().known()
    if not outcomes:
        return
    labels = [{"check": outcome.check.name} for outcome in outcomes]
    up = [int(not outcome.report.status.is_bad) for outcome in outcomes]
    seconds = [outcome.seconds for outcome in outcomes]
    yield Family(
        name="spotter_health_check_up",
        kind="gauge",
        help="Whether a health check passed when it last ran.",
        samples=list(zip(labels, up, strict=True)),
    )
    yield Family(
        name="spotter_health_check_duration_seconds",
        kind="gauge",
        help="How long a health check took when it last ran.",
        samples=list(zip(labels, seconds, strict=True)),
    )


@collector
def process_families() -> Iterator[Family]:
    """The worker that answers this scrape, under the names that Prometheus uses."""
    process = psutil.Process()
    with process.oneshot():
        times, memory = process.cpu_times(), process.memory_info()
        started, files = process.create_time(), process.num_fds()
    gauges: list[tuple[str, str, int | float]] = [
        ("process_resident_memory_bytes", "Resident memory in bytes.", memory.rss),
        ("process_start_time_seconds", "Start, in seconds since 1970.", started),
        ("process_open_fds", "Open file descriptors.", files),
    ]
    for name, text, value in gauges:
        yield Family(name=name, kind="gauge", help=text, samples=[({}, value)])
    yield Family(
        name="process_cpu_seconds",
        kind="counter",
        help="User and system CPU time in seconds.",
        samples=[({}, times.user + times.system)],
    )
