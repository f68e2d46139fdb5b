"""Each process's own readings, and how many of its threads are at work."""

from __future__ import annotations

import os
import socket
import sys
import threading
from types import FrameType
from typing import Any

import psutil

from spotter import recording
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
    threads = worker_threads()
    if threads:
        recording.gauge("spotter.workers.count", threads, labels)
        recording.gauge("spotter.workers.busy", min(len(in_flight), threads), labels)


def worker_threads() -> int:
    """
    How many requests this process can work on at once; 0 when that has no number.

    gunicorn's sync and gthread workers have one; an event loop has not.
    """
    if "gunicorn.workers.base" not in sys.modules:
        return 0
    worker = gunicorn_worker()
    if worker is None:
        return 0
    kind = type(worker).__name__
    if kind == "SyncWorker":
        return 1
    return int(worker.cfg.threads) if kind == "ThreadWorker" else 0


def gunicorn_worker() -> Any:
    """The worker whose loop the main thread is in."""
    kind: Any = sys.modules["gunicorn.workers.base"]
    main = threading.main_thread().ident
    frame: FrameType | None = sys._current_frames().get(main or 0)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, kind.Worker):
            return owner
        frame = frame.f_back
    return None


def install() -> None:
    """Read this process, as long as it measures anything."""
    recording.sampler(read)
