"""What a log line costs when several processes write one file, and what is lost."""

from __future__ import annotations

import gzip
import logging
import logging.handlers
import multiprocessing
import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from concurrent_log_handler import ConcurrentRotatingFileHandler
from loguru import logger as loguru_logger

from spotter.logs.files import RotatingFile
from spotter.logs.formats import Text

LINES = 60_000
ROUNDS = 3
PROCESSES = (1, 4, 8)
MAX_BYTES = 1024 * 1024
LINE = "x" * 180
Log = Callable[[str], None]


def of_handler(handler: logging.Handler, formatter: logging.Formatter) -> Log:
    """Log through one handler, and nothing else."""
    handler.setFormatter(formatter)
    own = logging.getLogger(f"benchmark.{type(handler).__name__}")
    own.setLevel(logging.INFO)
    own.propagate = False
    own.handlers = [handler]
    return own.info


def stdlib(path: str, size: int) -> Log:
    """The standard library's rotating handler."""
    handler = logging.handlers.RotatingFileHandler(path, "a", size, 5)
    return of_handler(handler, logging.Formatter("%(message)s"))


def concurrent(path: str, size: int) -> Log:
    """concurrent-log-handler, as it comes."""
    handler = ConcurrentRotatingFileHandler(path, "a", size, 5)
    return of_handler(handler, logging.Formatter("%(message)s"))


def with_loguru(path: str, size: int) -> Log:
    """loguru, with the same size and retention."""
    loguru_logger.remove()
    loguru_logger.add(path, format="{message}", rotation=size, retention=5)
    return loguru_logger.info


def ours(path: str, size: int) -> Log:
    """Spotter's file, with the formatter that the others have."""
    return of_handler(RotatingFile(path, size, 5), logging.Formatter("%(message)s"))


def ours_whole(path: str, size: int) -> Log:
    """Spotter's file with its own formatter: identity, escapes, scrubber."""
    return of_handler(RotatingFile(path, size, 5), Text())


KINDS = (stdlib, concurrent, with_loguru, ours, ours_whole)


def work(kind: Any, path: str, size: int, lines: int, ready: Any) -> None:
    """Write one process's share, once all are ready."""
    log = kind(path, size)
    ready.wait()
    for number in range(lines):
        log(f"{os.getpid()}-{number} {LINE}")


def run(kind: Any, processes: int, size: int, lines: int) -> tuple[float, int]:
    """Give the lines per second, and how many of them are in no file."""
    fork = multiprocessing.get_context("fork")
    share = lines // processes
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "bench.log")
        ready = fork.Barrier(processes + 1)
        workers = [
            fork.Process(target=work, args=(kind, path, size, share, ready))
            for _ in range(processes)
        ]
        for worker in workers:
            worker.start()
        ready.wait()
        start = time.perf_counter()
        for worker in workers:
            worker.join()
        seconds = time.perf_counter() - start
        return share * processes / seconds, share * processes - count(directory)


def count(directory: str) -> int:
    """Count the benchmark's lines in all files of the directory."""
    total = 0
    for file in pathlib.Path(directory).iterdir():
        data = file.read_bytes()
        data = gzip.decompress(data) if file.suffix == ".gz" else data
        total += data.count(LINE.encode())
    return total


def main() -> None:
    """Print a table: speed without rotation, losses with it."""
    print("| handler | processes | lines/s | lost, 1 MB x 5 |")
    print("|---|---|---|---|")
    for processes in PROCESSES:
        speeds: dict[Any, list[float]] = {kind: [] for kind in KINDS}
        for _ in range(ROUNDS):
            for kind in KINDS:
                speeds[kind].append(run(kind, processes, 1024**3, LINES)[0])
        for kind in KINDS:
            # As many as the live file and its backups can hold.
            lines = 4_000 * 5 if kind is ours_whole else 5_000 * 5
            lost = run(kind, processes, MAX_BYTES, lines)[1]
            speed = statistics.median(speeds[kind])
            print(f"| {kind.__name__} | {processes} | {speed:,.0f} | {lost:,} |")


if __name__ == "__main__":
    main()
