"""Processes that write a log at once, and what can be read of it afterwards."""

from __future__ import annotations

import collections
import gzip
import logging
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

from spotter.logs.files import RotatingFile

fork = multiprocessing.get_context("fork")


def record(message: str) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": message, "levelno": 20, "levelname": "INFO"})


def handler(path: Path, max_bytes: int = 0, backups: int = 5) -> RotatingFile:
    made = RotatingFile(path, max_bytes, backups)
    made.setFormatter(logging.Formatter("%(message)s"))
    return made


def write(made: logging.Handler, writer: int, lines: int, size: int) -> None:
    for number in range(lines):
        made.handle(record(f"{writer}-{number} ".ljust(size - 4, "x") + "end"))


def write_at_once(
    path: Path, processes: int, lines: int, max_bytes: int, backups: int
) -> None:
    def work(writer: int) -> None:
        write(handler(path, max_bytes, backups), writer, lines // processes, 200)

    workers = [fork.Process(target=work, args=(n,)) for n in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def files_of(path: Path) -> list[Path]:
    """The log with its archives; one of two that a killed compression left."""
    found = sorted(path.parent.glob(f"{path.name}*"))
    return [file for file in found if file.with_name(f"{file.name}.gz") not in found]


def lines_of(path: Path) -> Iterator[str]:
    for file in files_of(path):
        data = file.read_bytes()
        data = gzip.decompress(data) if file.suffix == ".gz" else data
        yield from data.decode().splitlines()


def found(path: Path) -> tuple[int, int]:
    """Count the different lines there are, and those that are torn or twice."""
    seen = collections.Counter(lines_of(path))
    whole = [line for line in seen if len(line) == 199 and line.endswith("end")]
    return len(whole), sum(seen.values()) - len(whole)
