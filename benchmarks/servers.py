"""Which web server: speed, memory, and what each does when stopped or held up."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psutil

from tests.servers.processes import accepts, free_port, program, running, wait_until

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
APPLICATION = "benchmarks._booking_list:application"
WORKERS = 2
CONNECTIONS = 16
ROUNDS = 3
SECONDS = 4
HUNG = 12
HUNG_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server and its options; all have two workers."""

    name: str
    options: tuple[str, ...]

    def command(self, port: int) -> list[str]:
        if self.name.startswith("granian"):
            return [
                *(sys.executable, "-m", "granian", "--interface", "wsgi"),
                *("--workers", str(WORKERS), "--port", str(port)),
                *("--log-level", "warning", *self.options, APPLICATION),
            ]
        return [
            *(sys.executable, "-m", "gunicorn", "--no-control-socket"),
            *("--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}"),
            *("--log-level", "warning", *self.options, APPLICATION),
        ]


CANDIDATES = [
    Candidate("gunicorn sync", ()),
    Candidate("gunicorn gthread, 16 threads", ("-k", "gthread", "--threads", "16")),
    Candidate("granian", ()),
    Candidate("granian, 8 threads", ("--blocking-threads", "8")),
]


@dataclass(slots=True)
class Server:
    """A started candidate."""

    port: int
    process: subprocess.Popen[bytes]
    home: pathlib.Path

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str, timeout: float = 20) -> bool:
        try:
            answer = httpx.get(self.url(path), timeout=timeout, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    def worker_megabytes(self) -> float:
        """The mean proportional set size of the workers."""
        workers = psutil.Process(self.process.pid).children(recursive=True)
        sizes = [worker.memory_full_info().pss / 1e6 for worker in workers]
        return statistics.mean(sorted(sizes)[-WORKERS:])


@contextlib.contextmanager
def serving(candidate: Candidate, home: pathlib.Path) -> Iterator[Server]:
    port = free_port()
    env = {**os.environ, "TRAINERHUB_HOME": str(home)}
    log = str(home / "server.log")
    with running(
        candidate.command(port),
        lambda: accepts(port),
        env=env,
        log=log,
        cwd=str(CHECKOUT),
    ) as process:
        server = Server(port, process, home)
        wait_until(lambda: server.get("/bookings/"), 20, "a first answer")
        yield server


def speed(server: Server) -> tuple[float, float]:
    """Requests a second and the 99th percentile in ms of one round."""
    command = [
        *(program("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", "--latency"),
        server.url("/bookings/"),
    ]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return requests_a_second(output), p99_ms(output)


def requests_a_second(output: str) -> float:
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert found, output
    return float(found[1])


def p99_ms(output: str) -> float:
    found = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    assert found, output
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def ms_beside_hung_requests(server: Server) -> float:
    """Hold up several requests, as a hung dependency does; how long does one take?"""
    with concurrent.futures.ThreadPoolExecutor(HUNG) as threads:
        path = f"/wait/?seconds={HUNG_SECONDS}"
        hung = [threads.submit(server.get, path) for _ in range(HUNG)]
        time.sleep(0.5)
        started = time.monotonic()
        server.get("/bookings/", timeout=60)
        seconds = time.monotonic() - started
        concurrent.futures.wait(hung)
    return seconds * 1000


def reload_failures(server: Server) -> str:
    """Replace the workers while requests come; how many of them fail?"""
    failed = sent = 0
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline:
        sent += 1
        failed += not server.get("/bookings/", timeout=5)
    return f"{failed} of {sent}"


def finishes_in_flight(server: Server) -> str:
    """Ask it to stop while a request is on its way; is that one still answered?"""
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        answer = threads.submit(server.get, "/wait/?seconds=2")
        time.sleep(0.7)
        server.process.send_signal(signal.SIGTERM)
        return "finished" if answer.result() else "cut"


def runs_atexit(server: Server) -> str:
    server.process.wait(30)
    return "yes" if list(server.home.glob("ended-*")) else "no"


def measure_running(home: pathlib.Path) -> dict[str, list[str]]:
    """
    Speed, memory and patience, with all candidates started.

    Rounds take turns, so that what else the machine does strikes all alike.
    """
    with contextlib.ExitStack() as stack:
        servers = {
            candidate.name: stack.enter_context(serving(candidate, home))
            for candidate in CANDIDATES
        }
        rounds = [
            {name: speed(server) for name, server in servers.items()}
            for _ in range(ROUNDS)
        ]
        return {
            name: [
                f"{statistics.median(each[name][0] for each in rounds):.0f}",
                f"{statistics.median(each[name][1] for each in rounds):.0f}",
                f"{server.worker_megabytes():.0f}",
                f"{max(ms_beside_hung_requests(server) for _ in range(ROUNDS)):.0f}",
            ]
            for name, server in servers.items()
        }


def measure_ending(candidate: Candidate, home: pathlib.Path) -> list[str]:
    """What becomes of requests when workers are replaced and when all ends."""
    with serving(candidate, home) as server:
        failures = reload_failures(server)
    for mark in home.glob("ended-*"):
        mark.unlink()
    with serving(candidate, home) as server:
        return [failures, finishes_in_flight(server), runs_atexit(server)]


HEADINGS = [
    *("server", "requests/s", "p99 ms", "MB a worker", f"ms beside {HUNG} hung"),
    *("failed in a reload", "in flight at SIGTERM", "runs atexit"),
]


def main() -> None:
    """Measure every candidate; print a table in Markdown."""
    with tempfile.TemporaryDirectory(prefix="servers-") as folder:
        home = pathlib.Path(folder)
        fill(home)
        running_figures = measure_running(home)
        print("|", " | ".join(HEADINGS), "|")
        print("|", " | ".join("---" for _ in HEADINGS), "|")
        for candidate in CANDIDATES:
            cells = [
                *(candidate.name, *running_figures[candidate.name]),
                *measure_ending(candidate, home),
            ]
            print("|", " | ".join(cells), "|", flush=True)


def fill(home: pathlib.Path) -> None:
    """Create the database with its demo data."""
    env = {**os.environ, "TRAINERHUB_HOME": str(home)}
    for command in (["migrate", "-v0"], ["seed_demo"]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            env=env,
            cwd=CHECKOUT,
            check=True,
            stdout=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    main()
