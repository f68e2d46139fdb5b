"""How fast `spotter logs search` answers over a gigabyte, beside grep and zgrep."""

from __future__ import annotations

import argparse
import datetime
import gzip
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

MEGABYTE = 1 << 20
ARCHIVES = 20
#: One line in this many is at WARNING or above.
WARN_EVERY = 200


def main(arguments: list[str] | None = None) -> None:
    """Write the logs into a temporary directory, search them, print the medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks log_search")
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="spotter-bench-") as home:
        written = write_logs(Path(home), options.megabytes)
        on_disk = sum(path.stat().st_size for path in Path(home).iterdir())
        print(
            f"{written / MEGABYTE:.0f} MB of lines in {ARCHIVES + 1} files, "
            f"{on_disk / MEGABYTE:.0f} MB on disk ({ARCHIVES} archives as .gz)"
        )
        compare(Path(home), options.rounds)


def write_logs(home: Path, megabytes: int) -> int:
    """
    Write a live file of half the size, and archives of the other half.

    Time runs so that the last hour is about 1 % of the whole.
    """
    end = datetime.datetime.now(datetime.UTC)
    size = megabytes * MEGABYTE
    lines = itertools.islice(line_source(end, size), None)
    written = 0
    for number in range(ARCHIVES, 0, -1):
        path = home / f"api.log.{number}.gz"
        with gzip.open(path, "wb", compresslevel=1) as archive:
            last_at, count = fill(archive, lines, size // 2 // ARCHIVES)
        os.utime(path, (last_at, last_at))
        written += count
    with (home / "api.log").open("wb") as live:
        _, count = fill(live, lines, size // 2)
    return written + count


def fill(file, lines: Iterator[tuple[float, bytes]], size: int) -> tuple[float, int]:
    """Write lines until a file has its size; give the last time and the bytes."""
    count, at, batch = 0, 0.0, []
    for at, line in lines:  # noqa: B007 (the last one is the result)
        batch.append(line)
        count += len(line)
        if len(batch) == 1000 or count >= size:
            file.write(b"".join(batch))
            batch.clear()
        if count >= size:
            break
    return at, count


def line_source(end: datetime.datetime, size: int) -> Iterator[tuple[float, bytes]]:
    """Give JSON lines as `api.log` has them, spread over a hundred hours."""
    source = random.Random(7)
    line_bytes = 300
    step = datetime.timedelta(hours=100) / (size / line_bytes)
    begin = end - datetime.timedelta(hours=100)
    for number in itertools.count():
        at = min(begin + step * number, end)
        level, status = ("WARNING", 500) if number % WARN_EVERY == 0 else ("INFO", 200)
        identity = f"{source.getrandbits(128):032x}"
        yield (
            at.timestamp(),
            (
                f'{{"time":"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",'
                f'"level":"{level}","logger":"spotter.api",'
                f'"message":"GET /api/bookings/{number}/ {status}","method":"GET",'
                f'"route":"/api/bookings/<int:pk>/","status":{status},'
                f'"duration_ms":{number % 97}.125,"db_queries":4,"cache_hits":2,'
                f'"request_id":"{identity}","trace_id":"{identity}"}}\n'
            ).encode(),
        )


def compare(home: Path, rounds: int) -> None:
    files = sorted(path.name for path in home.iterdir())
    spotter = [sys.executable, "-m", "benchmarks._log_search_command", str(home)]
    needle = needle_in(home, f"api.log.{ARCHIVES // 2}.gz")
    hour = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    rare = f"/api/bookings/{oldest_number(home)}/"
    cases = {
        "last hour, WARNING and above": (
            [*spotter, "--since", "1h", "--level", "WARNING"],
            ["zgrep", "-hE", rf'"time":"{hour:%Y-%m-%d}T.*"(WARNING|ERROR)"', *files],
        ),
        "last hour, newest ten": (
            [*spotter, "--since", "1h", "--limit", "10"],
            ["tail", "-n", "10", "api.log"],
        ),
        "a request id in an archive": (
            [*spotter, "--request-id", needle],
            ["zgrep", "-hF", needle, *files],
        ),
        "a request id, live file only": (
            [*spotter, "--request-id", "f" * 32, "--file", "api.log"],
            ["grep", "-hF", "f" * 32, "api.log"],
        ),
        "a rare word in the oldest archive": (
            [*spotter, rare],
            ["zgrep", "-hF", rare, *files],
        ),
    }
    for name, (ours, theirs) in cases.items():
        seconds = [[timed(ours, home), timed(theirs, home)] for _ in range(rounds)]
        mine, other = (
            statistics.median(column) for column in zip(*seconds, strict=True)
        )
        tool = theirs[0]
        print(f"{name:36} spotter {mine:7.2f} s   {tool} {other:7.2f} s")


def timed(command: list[str], home: Path) -> float:
    """Give the seconds that a command takes, its start included."""
    environment = os.environ | {"PYTHONPATH": ":".join(sys.path)}
    started = time.perf_counter()
    subprocess.run(
        command, cwd=home, env=environment, stdout=subprocess.DEVNULL, check=False
    )
    return time.perf_counter() - started


def needle_in(home: Path, name: str) -> str:
    with gzip.open(home / name, "rt") as archive:
        return archive.readline().rpartition('"trace_id":"')[2][:32]


def oldest_number(home: Path) -> str:
    with gzip.open(home / f"api.log.{ARCHIVES}.gz", "rt") as archive:
        return archive.readline().partition("/api/bookings/")[2].partition("/")[0]


if __name__ == "__main__":
    main()
