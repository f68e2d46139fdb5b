"""What a worker's memory grows by: 100,000 requests, 200 routes, 2,000 statements."""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SET_UPS = ("bare", "spotter")
ROUTES, STATEMENTS = 200, 2000


def main(arguments: list[str] | None = None) -> None:
    """Run both set-ups, each in a process of its own, and print the difference."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument(
        "--stall", type=float, default=0.0, metavar="SECONDS",
        help="have another process hold the store's lock for so long, while requests come",
    )  # fmt: skip
    parser.add_argument("--serve", choices=SET_UPS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        serve(options.serve, options.requests)
        return
    found = {name: measure(name, options.requests, options.stall) for name in SET_UPS}
    for name, megabytes in found.items():
        print(
            f"{name:8}",
            "  ".join(f"{key} {value:6.1f} MB" for key, value in megabytes.items()),
        )
    grown = {name: each["after"] - each["loaded"] for name, each in found.items()}
    print(f"Spotter makes a worker grow by {grown['spotter'] - grown['bare']:.1f} MB "
          f"over {options.requests:,} requests (promised: less than 10)")  # fmt: skip


def measure(set_up: str, requests: int, stall: float) -> dict[str, float]:
    """Run one set-up in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="spotter-bench-") as home:
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.memory"),
                *("--serve", set_up, "--requests", str(requests)),
            ],
            stdout=subprocess.PIPE,
            env={"BENCH_HOME": home, "PYTHONPATH": ":".join(sys.path)},
        ) as running:
            if stall and set_up == "spotter":
                hold(running, Path(home), stall)
            said, _ = running.communicate()
        if running.returncode:
            raise SystemExit(f"{set_up} ended with {running.returncode}")
        found: dict[str, float] = json.loads(said.splitlines()[-1])
        return found


def hold(running: subprocess.Popen[bytes], home: Path, seconds: float) -> None:
    """Once the store is written to, keep everybody else from that for a while."""
    found: list[Path] = []
    while not found and running.poll() is None:
        time.sleep(0.1)
        found = list(home.rglob("spotter.db"))
    time.sleep(5.0)
    for path in found:
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)


def serve(set_up: str, requests: int) -> None:
    """Answer requests of our own and say how much memory that took."""
    from benchmarks._set_ups import configure
    from benchmarks.request import start_response

    configure(set_up, Path(os.environ["BENCH_HOME"]))
    from django.conf import settings

    settings.ROOT_URLCONF = "benchmarks._memory_views"
    handler, environ = prepare()
    for number in range(50):
        ask(handler, environ, number, start_response)
    loaded = resident()
    for number in range(requests):
        ask(handler, environ, number, start_response)
    gc.collect()
    print(json.dumps({"loaded": loaded, "after": resident()}))


def prepare() -> tuple[Any, dict[str, Any]]:
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.test import RequestFactory

    call_command("migrate", verbosity=0)
    return get_wsgi_application(), RequestFactory().get("/").environ


def ask(handler: Any, environ: dict[str, Any], number: int, start: Any) -> None:
    """Ask one of the routes; each statement comes around every 2,000 requests."""
    path = f"/route-{number % ROUTES}/{number % STATEMENTS}/"
    response = handler({**environ, "PATH_INFO": path}, start)
    b"".join(response)
    response.close()


def resident() -> float:
    """Resident memory in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
