"""What is captured of the host application, each recorder in its own module."""

from __future__ import annotations

from spotter.recorders import (
    cache,
    commands,
    deploys,
    failures,
    lost_lines,
    outgoing,
    requests,
    tasks,
    work,
)
from spotter.recorders.host import loops, processes, readings, workers
from spotter.recorders.queries import capture
from spotter.rescue import rescue


def install() -> None:
    """Hook every recorder in, once."""
    for recorder in (
        capture,
        cache,
        failures,
        requests,
        work,
        workers,
        processes,
        loops,
        readings,
        deploys,
        lost_lines,
        outgoing,
        tasks,
        commands,
    ):
        with rescue("install a recorder"):
            recorder.install()
