"""How large the embedded store grows, and what reading, rolling up and trimming take."""

from __future__ import annotations

import argparse
import contextlib
import functools
import pathlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator

from benchmarks import _ninety_days
from benchmarks._ninety_days import NOW
from benchmarks._service import Service, route_of
from benchmarks.scrape import gone
from spotter.entries import Batch
from spotter.recording.flusher import LARGE
from spotter.stores.contract import DAY, HOUR, Query
from spotter.stores.schema import Execute
from spotter.stores.sqlite import SqliteStore

DURATION, STATEMENTS = "http.server.request.duration", "spotter.db.statement.duration"


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of CPU time: all is in this process, and others may be busy."""
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


class WatchedStore(SqliteStore):
    """Remembers how long its longest writing transaction held the lock."""

    longest_ms = elapsed_ms = 0.0

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Execute]:
        with super().transaction(write=write) as execute:
            cpu, started = time.process_time(), time.perf_counter()
            yield execute
        if write:
            held = 1000 * (time.process_time() - cpu)
            self.longest_ms = max(self.longest_ms, held)
            elapsed = 1000 * (time.perf_counter() - started)
            self.elapsed_ms = max(self.elapsed_ms, elapsed)

    def told(self) -> str:
        """How long that was since it was asked last, with the commit."""
        told = f"longest lock {self.longest_ms:.1f} ms of CPU, {self.elapsed_ms:.1f} ms elapsed"
        self.longest_ms = self.elapsed_ms = 0.0
        return told


def main() -> None:
    """Make a busy service's store of 90 days, or take a copy of one, and measure."""
    parser = argparse.ArgumentParser(prog="benchmarks store", description=__doc__)
    parser.add_argument(
        "--keep", type=pathlib.Path, help="a store to measure a copy of"
    )
    asked = parser.parse_args()
    from django.conf import settings

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spotter.db"
        if asked.keep:
            shutil.copy(asked.keep, path)
            settings.configure(SPOTTER={"STORE": f"sqlite:///{path}"})
            _ninety_days.tell_sizes(path)
        else:
            _ninety_days.main(path)
        measure(WatchedStore(path, lambda: NOW))


def measure(store: WatchedStore) -> None:
    """Read, write, roll up and trim what there is."""
    store.roll_up(NOW)
    for metric, label in (
        (DURATION, "http.route"),
        (STATEMENTS, "db.query.fingerprint"),
    ):
        for name, start in (
            ("15 min", 900),
            ("24 h", DAY),
            ("7 days", 7 * DAY),
            ("90 days", 90 * DAY),
        ):
            for buckets in (False, True):
                query = Query(
                    name=metric,
                    start=NOW - start,
                    end=NOW,
                    buckets=buckets,
                    by=(label,),
                )
                took = timed(functools.partial(store.total, query))
                what = "with quantiles" if buckets else "sums"
                print(f"{label:>20}, {name:>7}: {took:8.1f} ms  {what}")
    one = {"http.route": route_of(7)}
    for name, start, step in (
        ("24 h by 15 min", NOW - DAY, 900),
        ("7 days by hour", NOW - 7 * DAY, HOUR),
        ("90 days by day", NOW - 90 * DAY, DAY),
    ):
        query = Query(name=DURATION, start=start, end=NOW, where=one, step=step)
        took = timed(functools.partial(store.range, query))
        print(f"{'one route, ' + name:>26}: {took:8.1f} ms")
    service = Service(seed=2)
    for minute in range(2):
        batch = service.seconds(NOW + 60 * minute, 60)
        # Of the first minute the process learns the numbers of all series.
        store.told()
        some = list(batch.points.items())
        for first in range(0, len(some), LARGE):
            store.write(Batch(points=dict(some[first : first + LARGE])))
    print(f"{len(some):,} points of a minute, in flushes of {LARGE:,}: {store.told()}")
    whole = timed(lambda: store.roll_up(NOW + 120))
    print(f"{'roll up two minutes':>20}: {whole:8.1f} ms, {store.told()}")
    took = timed(
        functools.partial(store.cumulative, detailed=False, alive_since=NOW - 300)
    )
    print(f"{'totals of a scrape':>20}: {took:8.1f} ms")
    leave_behind(store)
    store.told()
    whole = timed(lambda: store.trim(NOW + HOUR))
    print(f"{'trim an hour':>20}: {whole:8.1f} ms, {store.told()}")


def leave_behind(store: WatchedStore) -> None:
    """What a day of recycled workers leaves to be trimmed: series and ids of batches."""
    long_ago = NOW - 30 * HOUR
    store._clock = lambda: long_ago
    store.write(gone(2000, long_ago))
    with store.transaction(write=True) as execute:
        for number in range(10_000):
            execute(
                "INSERT INTO spotter_batches (id, written_at) VALUES (?, ?)",
                (f"old-{number}", long_ago),
            )
    store._clock = lambda: NOW


if __name__ == "__main__":
    main()
