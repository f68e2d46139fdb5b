"""Many processes write for minutes and some are killed: is every total exact?"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import itertools
import json
import mmap
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from spotter.entries import Batch
from spotter.stores import Store, open_store
from spotter.stores.contract import DAY, Query

ROUTES = 50
COUNTER, HISTOGRAM = "soak.requests", "soak.duration"
FLUSH_SECONDS = 1.0
#: What happens to a process: killed before a batch is written, inside its transaction,
#: after it and before anybody knows, once it is known, and at any moment.
FATES = ("before", "inside", "committed", "acknowledged", "any moment")
Counts = collections.Counter[str]


def main(arguments: list[str] | None = None) -> None:
    """Soak one kind of store, print what was found, and fail when a total is off."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, store_url(options.store, folder) as u:
        found = soak(u, pathlib.Path(folder), options.processes, 60 * options.minutes)
    print(f"{options.store}: {found}")
    if found.mistakes:
        raise SystemExit("\n".join(found.mistakes[:20]))


@contextlib.contextmanager
def store_url(kind: str, folder: str) -> Iterator[str]:
    """A file, or a database on a server of its own."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/spotter.db"
        return
    from tests.servers.postgres import running_postgres

    with running_postgres() as server:
        yield server.create_database("soak")


@dataclasses.dataclass(slots=True)
class Account:
    """What was found in the end."""

    generated: int = 0
    written: int = 0
    batches: int = 0
    processes: int = 0
    killed: int = 0
    unacknowledged: int = 0
    #: Those that nobody killed, and what they made, all of which must be there.
    whole: int = 0
    generated_whole: int = 0
    mistakes: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        exact = "exact" if not self.mistakes else f"{len(self.mistakes)} mistakes"
        return (
            f"{self.generated:,} events of {self.processes} processes, {self.killed} of "
            f"them killed; {self.batches:,} batches, {self.written:,} events written, "
            f"{self.generated - self.written:,} in the buffers of those killed; "
            f"{self.generated_whole:,} are there of the {self.whole} that nobody killed; "
            f"{self.unacknowledged} batches were in the store without anybody knowing; "
            f"totals {exact}"
        )


# A writing process.


class Ledger:
    """What a process asked the store to write, and what the store acknowledged."""

    def __init__(self, path: pathlib.Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        counter = path.with_suffix(".generated")
        counter.write_bytes(bytes(8))
        with counter.open("r+b") as file:
            # What a killed process wrote into it is there all the same.
            self._generated = mmap.mmap(file.fileno(), 8)
        self._count = 0

    def generated(self) -> None:
        """One event more."""
        self._count += 1
        self._generated[:] = self._count.to_bytes(8, "little")

    def enter(self, what: str, batch: Batch) -> None:
        """Add a line."""
        counts = Counts()
        for (series, _), point in batch.points.items():
            if series.name == COUNTER:
                counts[dict(series.labels)["http.route"]] += int(point.sum)
        line = json.dumps({"what": what, "id": batch.id, "counts": counts})
        os.write(self._file, f"{line}\n".encode())


def die() -> None:
    """As the kernel's out-of-memory killer does it."""
    os.kill(os.getpid(), signal.SIGKILL)


def watched(store: Any, ledger: Ledger, fate: str, at: int) -> None:
    """Enter each writing in the ledger, and meet the fate at the one of this number."""
    write, numbers = store.write, itertools.count(1)

    def doomed(batch: Batch) -> Any:
        due = next(numbers) == at
        ledger.enter("begun", batch)
        if due and fate == "before":
            die()
        if due and fate == "inside":
            store._write_samples = lambda *_: die()
        written = write(batch)
        if due and fate == "committed":
            die()
        ledger.enter("done", batch)
        if due and fate == "acknowledged":
            die()
        return written

    store.write = doomed


def work(url: str, path: pathlib.Path, seconds: float, fate: str, at: int) -> None:
    """Record events as a busy process does, through all that a host's go through."""
    from django.conf import settings

    settings.configure(SPOTTER={"STORE": url, "FLUSH_SECONDS": FLUSH_SECONDS})
    from spotter import recording
    from spotter.stores.current import get_store

    ledger = Ledger(path)
    watched(get_store(), ledger, fate, at)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        labels = {"http.route": f"/{random.randrange(ROUTES)}/"}
        ledger.generated()
        recording.count(COUNTER, labels)
        recording.observe(HISTOGRAM, random.lognormvariate(-3, 1), labels)
        time.sleep(0.004)
    while not recording.flush():
        time.sleep(0.2)


# Whoever starts and kills them.


@dataclasses.dataclass(slots=True)
class Place:
    """One of the processes, and who takes its place when it was killed."""

    url: str
    folder: pathlib.Path
    until: float
    fates: Iterator[str]
    numbers: Iterator[int]
    process: subprocess.Popen[bytes] | None = None
    kill_at: float = float("inf")
    ended: list[int] = dataclasses.field(default_factory=list)
    #: The ledgers of those that ended by themselves, and wrote all they made.
    whole: list[pathlib.Path] = dataclasses.field(default_factory=list)
    ledger: pathlib.Path = pathlib.Path()

    def look(self) -> bool:
        """Start, kill or replace as it is due; False when all is over."""
        now = time.monotonic()
        if self.process is None:
            self._start(now)
        elif now >= self.kill_at:
            self.process.kill()
            self.kill_at = float("inf")
        elif (code := self.process.poll()) is not None:
            self.ended.append(code)
            if code not in (0, -signal.SIGKILL):
                raise SystemExit(f"a process ended with {code}")
            if code == 0:
                self.whole.append(self.ledger)
            if now >= self.until - 1:
                return False
            self._start(now)
        return True

    def _start(self, now: float) -> None:
        fate = next(self.fates)
        seconds = max(0.5, self.until - now)
        if seconds < 5 * FLUSH_SECONDS:
            fate = ""  # It would not live to meet it.
        if fate == "any moment":
            self.kill_at = now + random.uniform(1, 6) * FLUSH_SECONDS
        self.ledger = self.folder / f"{next(self.numbers)}.ledger"
        command = (
            *(sys.executable, "-m", "benchmarks.soak", self.url, str(self.ledger)),
            *(str(seconds), fate, str(random.randint(1, 4))),
        )
        # A directory of its own is no matter: it writes to none.
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.process = subprocess.Popen(command, env=environ)


def soak(url: str, folder: pathlib.Path, processes: int, seconds: float) -> Account:
    """Let half of the processes be killed again and again, and account for all."""
    began = time.time()
    until = time.monotonic() + seconds
    fates, numbers = itertools.cycle(FATES), itertools.count()
    never = itertools.repeat("")
    places = [
        Place(url, folder, until, fates if number % 2 else never, numbers)
        for number in range(processes)
    ]
    waiting = list(places)
    try:
        while waiting:
            waiting = [place for place in waiting if place.look()]
            time.sleep(0.1)
    finally:
        for place in waiting:
            if place.process is not None:
                place.process.kill()
                place.process.wait()
    found = Account(processes=sum(len(place.ended) for place in places))
    found.killed = sum(place.ended.count(-signal.SIGKILL) for place in places)
    store = open_store(url)
    ledgers = {path: entries(path) for path in folder.glob("*.ledger")}
    check(store, found, list(itertools.chain(*ledgers.values())), began)
    found.generated = sum(generated(path) for path in ledgers)
    whole = [path for place in places for path in place.whole]
    compare(store, found, {path: ledgers[path] for path in whole})
    store.close()
    return found


def generated(ledger: pathlib.Path) -> int:
    """How many events a process made, though it was killed."""
    return int.from_bytes(ledger.with_suffix(".generated").read_bytes(), "little")


def entries(ledger: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of a ledger."""
    return [json.loads(line) for line in ledger.read_text().splitlines()]


def compare(
    store: Any, found: Account, whole: dict[pathlib.Path, list[dict[str, Any]]]
) -> None:
    """Compare what processes that nobody killed made with what is there of them."""
    found.whole = len(whole)
    present = batches(store)
    for path, ledger in whole.items():
        begun = {entry["id"]: sum(entry["counts"].values()) for entry in ledger}
        written = sum(count for id_, count in begun.items() if id_ in present)
        found.generated_whole += written
        if written != (made := generated(path)):
            found.mistakes.append(
                f"{path.stem} made {made:,} events, and {written:,} are there"
            )


def batches(store: Any) -> set[str]:
    """The ids of all batches that are in the store."""
    with store.transaction(write=False) as execute:
        return {row[0] for row in execute("SELECT id FROM spotter_batches")}


def check(
    store: Any, found: Account, ledger: list[dict[str, Any]], began: float
) -> None:
    """Compare the store, read in every way, with the ledger."""
    present = batches(store)
    begun = {entry["id"]: Counts(entry["counts"]) for entry in ledger}
    done = {entry["id"] for entry in ledger if entry["what"] == "done"}
    expected = Counts()
    for id_ in present & begun.keys():
        expected.update(begun[id_])
    found.written = expected.total()
    found.batches, found.unacknowledged = len(present), len(present - done)
    found.mistakes += [f"the batch {id_} was acknowledged and is not there"
                       for id_ in done - present]  # fmt: skip
    for name, counts in readings(store, began):
        found.mistakes += [
            f"{name}: {counts[route]:,} of {route}, and not {expected[route]:,}"
            for route in sorted(expected.keys() | counts.keys())
            if counts[route] != expected[route]
        ]


def readings(store: Store, began: float) -> Iterator[tuple[str, Counts]]:
    """The totals since the beginning, by windows of every level, and of the buckets."""
    now = time.time() + DAY
    for name, amount in (
        (COUNTER, lambda point: int(point.sum)),
        (HISTOGRAM, lambda point: int(point.count)),
        (HISTOGRAM, lambda point: sum(point.buckets.values())),
    ):
        ever = {
            (dict(series.labels)["http.route"],): point
            for series, point in store.cumulative([name]).items()
        }
        yield f"the total of {name}", counted(ever, amount)
        by = ("http.route",)
        query = Query(name=name, start=began - DAY, end=now, by=by)
        yield f"the sum of {name}'s windows", counted(store.total(query), amount)
        fine = Query(name=name, start=began - 10, end=time.time() + 10, by=by, step=10)
        sums = Counts()
        for group, points in store.range(fine).items():
            for point in points.values():
                sums[group[0]] += amount(point)
        yield f"{name} by ten seconds", sums


def counted(points: Any, amount: Callable[[Any], int]) -> Counts:
    """Amounts by route."""
    return Counts({group[0]: amount(point) for group, point in points.items()})


if __name__ == "__main__":
    url, path, seconds, fate, at = sys.argv[1:]
    work(url, pathlib.Path(path), float(seconds), fate, int(at))
