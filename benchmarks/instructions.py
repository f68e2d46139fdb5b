"""
What watching a request costs in instructions of the processor, as valgrind counts them.

Time differs between two processes of one kind by as much as what is measured; how many
instructions they need hardly does, whatever else the machine has to do. What this leaves
out is time in the kernel, that some instructions wait for memory, and what is done by the
clock, since a request takes some fifty times as long here.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks._set_ups import SET_UPS
from benchmarks.request import VIEWS, ask, sink, start

TOTAL = re.compile(r"^totals: (\d+)", re.M)
#: Of one set-up, by view.
Needed = dict[str, float]


def main(arguments: list[str] | None = None) -> None:
    """Run each set-up once under callgrind, two at a time, and print what it adds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks instructions")
    # As many as are written together, since what a flush needs is shared by them.
    parser.add_argument("--requests", type=int, default=150, help="of each view")
    parser.add_argument(
        "--only", nargs="+", choices=SET_UPS, default=["spotter", "django-prometheus"]
    )
    options = parser.parse_args(arguments)
    missing = [n for n in ("valgrind", "callgrind_control") if not shutil.which(n)]
    if missing:
        raise SystemExit(
            f"install Debian's package valgrind: no {' and no '.join(missing)}"
        )
    names = list(dict.fromkeys(["bare", *options.only]))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = dict(
            zip(
                names,
                pool.map(lambda n: count(n, options.requests), names),
                strict=True,
            )
        )
    report(found)


def count(set_up: str, requests: int) -> Needed:
    """Give the instructions of a request, by view."""
    with tempfile.TemporaryDirectory(prefix="spotter-bench-") as home, sink() as dsn:
        told = Path(home) / "callgrind"
        under = (
            *("valgrind", "--quiet", "--tool=callgrind"),
            f"--callgrind-out-file={told}",
        )
        child = start(set_up, home, dsn, 0, under, BENCH_FLUSH_SECONDS="3600")
        assert child.stdin
        assert child.stdout
        if child.stdout.readline().strip() != "ready":
            raise SystemExit(f"{set_up}: not installed")
        needed = {}
        for view in VIEWS:
            ask(child, view, 20, True)
            dumped(told, child.pid)  # Of what went before.
            ask(child, view, requests, True)
            needed[view] = dumped(told, child.pid) / requests
        child.stdin.close()
        child.wait(60)
    return needed


def dumped(told: Path, pid: int) -> int:
    """Give how many a process under callgrind needed since the last time."""
    before = set(told.parent.glob(f"{told.name}.*"))
    done = subprocess.run(
        ["callgrind_control", "--dump", str(pid)],
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )
    new = set(told.parent.glob(f"{told.name}.*")) - before
    if not new:
        raise SystemExit(f"callgrind_control wrote nothing: {done.stdout}{done.stderr}")
    (made,) = new
    found = TOTAL.search(made.read_text())
    assert found is not None, made
    return int(found[1])


def report(found: dict[str, Needed]) -> None:
    bare = found.pop("bare")
    for view in VIEWS:
        print(f"\n{view}: bare Django needs {bare[view] / 1000:,.0f} thousand")
        for name, needed in found.items():
            print(f"  {name:20} {(needed[view] - bare[view]) / 1000:+9,.1f} thousand")
