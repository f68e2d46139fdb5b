"""How large the embedded store grows, and what reading, rolling up and trimming take."""

from __future__ import annotations

import contextlib
import functools
import pathlib
import random
import tempfile
import time
from collections.abc import Callable, Iterator

from spotter.entries import Batch, Point, Series
from spotter.stores.contract import DAY, HOUR, LEVELS, Level, Query
from spotter.stores.schema import Execute
from spotter.stores.sqlite import SqliteStore

ROUTES = 200
DURATION = "http.server.request.duration"
COUNTERS = (
    "db.client.operations",
    "db.client.seconds",
    "cache.hits",
    "cache.misses",
    "http.server.response.bytes",
    "http.server.request.bytes",
    "spotter.n_plus_one",
    "http.server.queue.seconds",
)
NOW = 1_764_064_800


def series_of(route: int) -> Iterator[tuple[Series, bool]]:
    """A route's series, and whether each is a histogram."""
    labels = {"http.route": f"/api/resource-{route}/<int:pk>/"}
    for status in ("200", "500"):
        yield Series.of(DURATION, {**labels, "http.response.status_code": status}), True
    for name in COUNTERS:
        yield Series.of(name, labels), False


def point(histogram: bool, requests: int) -> Point:
    """What a window of so many requests looks like: lognormal around 60 ms."""
    made = Point()
    for _ in range(requests):
        if histogram:
            made.observe(random.lognormvariate(-2.8, 0.7))
        else:
            made.add(random.randrange(1, 40))
    return made


def fill(store: SqliteStore, level: Level, pool: dict[bool, list[Point]]) -> None:
    """Write every window that the level keeps, as roll-up would have left it."""
    with store.transaction(write=True) as execute:
        everything = [pair for route in range(ROUTES) for pair in series_of(route)]
        ids = store._series.ids(execute, {series for series, _ in everything})
    kinds = [(ids[series], histogram) for series, histogram in everything]
    first = (NOW - min(level.keep, 90 * DAY)) // level.window * level.window
    for start in range(first, NOW, level.window):
        points = {(start, id_): random.choice(pool[kind]) for id_, kind in kinds}
        with store.transaction(write=True) as execute:
            store._merge(execute, level, points)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of CPU time: all is in this process, and others may be busy."""
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


class WatchedStore(SqliteStore):
    """Remembers how long its longest writing transaction held the lock."""

    longest_ms = 0.0

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Execute]:
        with super().transaction(write=write) as execute:
            started = time.process_time()
            yield execute
        if write:
            held = 1000 * (time.process_time() - started)
            self.longest_ms = max(self.longest_ms, held)


def main() -> None:
    """Generate 90 days of 200 routes and measure."""
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spotter.db"
        store = WatchedStore(path, lambda: NOW)
        for level in LEVELS:
            # What a window holds: about one request in 2 s and route.
            pool = {
                kind: [point(kind, min(level.window // 2, 2000)) for _ in range(30)]
                for kind in (True, False)
            }
            fill(store, level, pool)
            store.close()
            megabytes = sum(f.stat().st_size for f in path.parent.iterdir()) / 1e6
            print(f"{level.window:>6} s windows written: {megabytes:7.1f} MB in all")
        measure(store)


def measure(store: WatchedStore) -> None:
    """Read, write, roll up and trim what there is."""
    store.roll_up(NOW)
    by = ("http.route",)
    for name, start in (
        ("routes, 15 min", NOW - 900),
        ("routes, 24 h", NOW - DAY),
        ("routes, 7 days", NOW - 7 * DAY),
        ("routes, 90 days", NOW - 90 * DAY),
    ):
        for buckets in (False, True):
            query = Query(name=DURATION, start=start, end=NOW, buckets=buckets, by=by)
            took = timed(functools.partial(store.total, query))
            what = "with quantiles" if buckets else "sums"
            print(f"{name:>20}: {took:8.1f} ms  {what}")
    one = {"http.route": "/api/resource-7/<int:pk>/"}
    for name, start, step in (
        ("24 h by minute", NOW - DAY, 60),
        ("7 days by hour", NOW - 7 * DAY, HOUR),
        ("90 days by day", NOW - 90 * DAY, DAY),
    ):
        query = Query(name=DURATION, start=start, end=NOW, where=one, step=step)
        took = timed(functools.partial(store.range, query))
        print(f"{'one route, ' + name:>26}: {took:8.1f} ms")
    batch = Batch()
    for route in range(ROUTES):
        for series, histogram in series_of(route):
            batch.point(series, NOW).merge(point(histogram, 3))
    print(f"{'flush, 2,000 series':>20}: {timed(lambda: store.write(batch)):8.1f} ms")
    store.longest_ms = 0.0
    whole = timed(lambda: store.roll_up(NOW + 120))
    print(
        f"{'roll up two minutes':>20}: {whole:8.1f} ms, "
        f"longest lock {store.longest_ms:.1f} ms"
    )
    took = timed(store.cumulative)
    print(f"{'totals of a scrape':>20}: {took:8.1f} ms")
    store.longest_ms = 0.0
    whole = timed(lambda: store.trim(NOW + HOUR))
    print(
        f"{'trim an hour':>20}: {whole:8.1f} ms, longest lock {store.longest_ms:.1f} ms"
    )


if __name__ == "__main__":
    main()
