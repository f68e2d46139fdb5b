"""Each process's own readings, and how many of its threads are at work."""

from __future__ import annotations

import os
import socket

import psutil

from spotter import recording
from spotter.recorders.host import workers
from spotter.recorders.requests import in_flight

_process: psutil.Process | None = None


def read() -> None:
    """Memory, CPU, open files and workers of this process."""
    global _process
    labels = {"host.name": socket.gethostname(), "process.pid": os.getpid()}
    if _process is None or _process.pid != os.getpid():
        _process = psutil.Process()
        _process.cpu_percent()  # from now on
        recording.count("spotter.workers.started", {"host.name": labels["host.name"]})
    else:
        share = _process.cpu_percent() / 100
        recording.gauge("process.cpu.utilization", share, labels)
    recording.gauge("process.memory.usage", _process.memory_info().rss, labels)
    recording.gauge("process.open_file_descriptor.count", _process.num_fds(), labels)
    server = workers.server()
    threads = server.threads if server is not None else 0
    if threads:
        recording.gauge("spotter.workers.count", threads, labels)
        recording.gauge("spotter.workers.busy", min(len(in_flight), threads), labels)


def install() -> None:
    """Read this process, as long as it measures anything."""
    recording.sampler(read)
