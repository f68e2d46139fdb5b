"""
What watching a request costs, in CPU time, against Django without it.

Two processes of one kind differ by as much as what is measured: where their memory lies
and what their dictionaries collide in is chance. So each set-up is started several times,
and what is told is the median of its processes, with the least and the most of them.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import http.server
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks._set_ups import SET_UPS, configure

#: Microseconds of a request in each round, by set-up.
Taken = dict[str, list[float]]
VIEWS = ("empty", "ten queries, five lookups", "one query of fifty rows")
OWNERS = ("PATH", "USER", "LOGNAME", "HOST", "HOSTNAME")


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """
    How much each process is asked.

    Args:
        requests: of each round.
        turns: into which those are cut: of few requests each, the caches of the
            processor belong to others whenever one begins.
    """

    rounds: int
    requests: int
    turns: int
    views: Sequence[str] = VIEWS


def main(arguments: list[str] | None = None) -> None:
    """Run all set-ups in turn, round after round, and print the medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks request")
    parser.add_argument("--processes", type=int, default=5, help="of each set-up")
    parser.add_argument("--rounds", type=int, default=4, help="in each process")
    # A worker that answers a hundred a second writes what it measured every 500.
    parser.add_argument("--requests", type=int, default=500, help="in each round")
    parser.add_argument("--turns", type=int, default=5, help="of each in a round")
    parser.add_argument("--only", nargs="+", choices=SET_UPS, default=list(SET_UPS))
    # One process's luck is as large as what is measured: of one view many can be had.
    parser.add_argument("--view", choices=VIEWS, help="one alone")
    parser.add_argument("--serve", choices=SET_UPS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        serve(options.serve)
    else:
        names = list(dict.fromkeys(["bare", *options.only]))
        views = (options.view,) if options.view else VIEWS
        plan = Plan(options.rounds, options.requests, options.turns, views)
        generations = [measure(names, plan, seed) for seed in range(options.processes)]
        for view in views:
            report(view, [generation[view] for generation in generations])


class Sink(http.server.BaseHTTPRequestHandler):
    """Takes what is sent to Sentry, in this process, whose time nobody counts."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def sink() -> Iterator[str]:
    """A DSN that somebody listens to."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://public@127.0.0.1:{server.server_port}/1"
    server.shutdown()
    server.server_close()


def measure(names: list[str], plan: Plan, seed: int) -> dict[str, Taken]:
    """Start each set-up once, and give what its requests took, by view."""
    with tempfile.TemporaryDirectory(prefix="spotter-bench-") as home, sink() as dsn:
        servers = {name: start(name, home, dsn, seed) for name in names}
        servers = {name: child for name, child in servers.items() if is_up(name, child)}
        taken = {view: run_rounds(servers, view, plan) for view in plan.views}
        for child in servers.values():
            assert child.stdin
            child.stdin.close()
            child.wait(10)
    return taken


def start(
    set_up: str,
    home: str,
    dsn: str,
    seed: int,
    under: Sequence[str] = (),
    **environment: str,
) -> subprocess.Popen[str]:
    """Start a server that is told on its stdin how much to answer."""
    directory = Path(home) / set_up.replace(" ", "-").replace(",", "")
    directory.mkdir()
    return subprocess.Popen(
        [*under, sys.executable, "-m", "benchmarks.request", "--serve", set_up],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            "BENCH_HOME": str(directory),
            "BENCH_DSN": dsn,
            "PYTHONPATH": ":".join(sys.path),
            # Another order of all sets and dictionaries in each, the same for all.
            "PYTHONHASHSEED": str(seed),
            # By these valgrind's own tools find a process that it runs.
            **{name: os.environ[name] for name in OWNERS if name in os.environ},
            **environment,
        },
    )


def is_up(set_up: str, child: subprocess.Popen[str]) -> bool:
    assert child.stdout
    if child.stdout.readline().strip() == "ready":
        return True
    print(f"{set_up}: not installed, left out")
    return False


def run_rounds(
    servers: dict[str, subprocess.Popen[str]], view: str, plan: Plan
) -> Taken:
    """
    Give the microseconds per request of each round.

    In a round they take turns, the other way about each time: what else the machine
    does meanwhile meets all of them. Their threads go on while others have their turn,
    and what they take then is counted: what is done by the clock more than once, as a
    round takes longer than its requests would of one worker.
    """
    taken: Taken = {name: [] for name in servers}
    orders = itertools.cycle((list(servers), list(reversed(servers))))
    each = max(1, plan.requests // plan.turns)
    for number in range(plan.rounds + 1):
        spent = dict.fromkeys(servers, 0.0)
        for turn in range(plan.turns):
            for name in next(orders):
                spent[name] += ask(servers[name], view, each, turn == plan.turns - 1)
        if number:  # the first warms up
            for name, seconds in spent.items():
                taken[name].append(seconds / (each * plan.turns) * 1e6)
    return taken


def ask(child: subprocess.Popen[str], view: str, requests: int, settles: bool) -> float:
    assert child.stdin
    assert child.stdout
    child.stdin.write(json.dumps([VIEWS.index(view), requests, settles]) + "\n")
    child.stdin.flush()
    seconds, share = json.loads(child.stdout.readline())
    if share < 1:
        print(f"only {share:.0%} of the requests were looked at in detail")
    return float(seconds)


def report(view: str, generations: list[Taken]) -> None:
    bare = statistics.median(statistics.median(each["bare"]) for each in generations)
    print(f"\n{view}: bare Django takes {bare:.0f} µs of CPU")
    for name in generations[0]:
        if name == "bare":
            continue
        added = [
            statistics.median(b - a for a, b in zip(of["bare"], of[name], strict=True))
            for of in generations
        ]
        ratio = statistics.median(
            b / a
            for of in generations
            for a, b in zip(of["bare"], of[name], strict=True)
        )
        print(
            f"  {name:20} {statistics.median(added):+7.1f} µs   x {ratio:.3f}"
            f"   {min(added):+.1f} … {max(added):+.1f}"
        )


def serve(set_up: str) -> None:
    """Answer requests of our own, as many as each line on stdin says."""
    try:
        chosen = configure(set_up, Path(os.environ["BENCH_HOME"]))
    except ImportError:
        print("absent", flush=True)
        return
    handler, environs = prepare()
    print("ready", flush=True)
    started = time.process_time()
    for line in sys.stdin:
        view, requests, settles = json.loads(line)
        for _ in range(requests):
            response = handler(dict(environs[view]), start_response)
            b"".join(response)
            response.close()
        if settles:
            chosen.settle()
        # With what threads did since the last turn, while the others had theirs.
        now = time.process_time()
        print(json.dumps([now - started, chosen.share()]), flush=True)
        started = now


def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
    assert status.startswith("200"), status


def prepare() -> tuple[Any, list[dict[str, Any]]]:
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.test import RequestFactory

    call_command("migrate", verbosity=0)
    User.objects.bulk_create(User(username=f"user-{n}") for n in range(50))
    cache.set_many({f"key-{n}": n for n in range(5)})
    urls = [f"/{number}/" for number in range(len(VIEWS))]
    environs = [RequestFactory().get(url).environ for url in urls]
    return get_wsgi_application(), environs


if __name__ == "__main__":
    main()
