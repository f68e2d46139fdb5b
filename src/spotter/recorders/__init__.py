"""What is captured of the host application, each recorder in its own module."""

from __future__ import annotations

from spotter.recorders import (
    cache,
    cache_memory,
    celery_tasks,
    commands,
    deploys,
    failures,
    lost_lines,
    outgoing,
    requests,
    server_errors,
    task_events,
    tasks,
    work,
)
from spotter.recorders.cache_servers import readings as cache_servers
from spotter.recorders.host import loops, processes, readings, workers
from spotter.recorders.queries import capture
from spotter.rescue import rescue


def install() -> None:
    """Hook every recorder in, once."""
    for recorder in (
        capture,
        cache,
        cache_memory,
        cache_servers,
        failures,
        requests,
        server_errors,
        work,
        workers,
        processes,
        loops,
        readings,
        deploys,
        lost_lines,
        outgoing,
        tasks,
        celery_tasks,
        task_events,
        commands,
    ):
        with rescue("install a recorder"):
            recorder.install()
