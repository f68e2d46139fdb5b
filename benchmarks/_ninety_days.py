"""A store as a busy service leaves it after 90 days, and the same in PostgreSQL."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from benchmarks._book import fill_book
from benchmarks._service import Service
from spotter.context import new_id
from spotter.entries import Batch, Point, Sample, Series
from spotter.recorders.examples import OFFERED
from spotter.recording import deploys
from spotter.stores.contract import (
    DAY,
    HOUR,
    LADDERS,
    MINUTE,
    Ladder,
    Level,
    ladder_of,
)
from spotter.stores.sql import SqlStore
from spotter.stores.sqlite import SqliteStore

#: A Tuesday, 10:00 UTC.
NOW = 1_764_064_800
DAYS = 90
#: Minutes of the service that are played; what is longer is made of them.
PLAYED = 6
#: Windows written in one transaction.
WINDOWS_AT_ONCE = 20
#: How long a worker lives, in seconds: until the next deploy.
LIFE = 20 * HOUR
DEPLOYS = 100

PID = "process.pid"
Points = dict[Series, Point]


class Made(Point):
    """A point that is written again and again: its bytes are worked out once."""

    __slots__ = ("_bytes",)
    _bytes: bytes

    @classmethod
    def of(cls, point: Point, times: int = 1) -> Made:
        """The point, or what so many like it add up to."""
        made = cls()
        made.count, made.sum, made.zeros = (
            times * point.count, times * point.sum, times * point.zeros,
        )  # fmt: skip
        made.minimum, made.maximum = point.minimum, point.maximum
        made.last, made.last_at = point.last, point.last_at
        made.buckets = {index: times * n for index, n in point.buckets.items()}
        made._bytes = Point.encode(made)
        return made

    def encode(self) -> bytes:
        return self._bytes

    def moved(self, seconds: float) -> Made:
        """The same some time later; only a gauge knows when it was."""
        if not self.last_at:
            return self
        made = Made.of(self)
        made.last_at += seconds
        return made


def make(path: pathlib.Path, store: SqlStore | None = None) -> None:
    """Fill a new store, and say what takes how much of it."""
    started = time.perf_counter()
    store = store or SqliteStore(path, lambda: NOW)
    random.seed(1)
    windows, samples = played()
    print(
        f"played {PLAYED} minutes in {time.perf_counter() - started:.0f} s", flush=True
    )
    for ladder in LADDERS:
        for level in ladder:
            fill(store, ladder, level, windows[level.window])
    with store.transaction(write=True) as execute:
        for ladder in LADDERS:
            for level in ladder[1:]:
                store._set_mark(execute, level, NOW)
        ids = store._series.ids(execute, set(windows[DAY][0]))
        whole: dict[int, Point] = {
            ids[s]: Made.of(p, DAYS) for s, p in windows[DAY][0].items()
        }
        store._merge_totals(execute, whole)
    fill_samples(store, samples)
    fill_book(store, NOW)
    store.close()
    print(f"made in {time.perf_counter() - started:.0f} s", flush=True)


def played() -> tuple[dict[int, list[Points]], list[Sample]]:
    """What windows of each length hold, and the examples of the time."""
    service, tens, minutes = Service(), list[Points](), list[Points]()
    samples: list[Sample] = []
    for minute in range(PLAYED):
        batch = service.seconds(NOW - HOUR + MINUTE * minute, MINUTE)
        samples += batch.samples
        by_start: dict[int, Points] = defaultdict(dict)
        for (series, at), point in batch.points.items():
            by_start[at][series] = point
        if len(tens) < 12:
            tens += by_start.values()
        minutes.append(together(by_start.values()))
    whole = together(minutes)
    windows = {10: [*map(made, tens)], MINUTE: [*map(made, minutes)]}
    for level in itertools.chain(*LADDERS):
        times = level.window // (PLAYED * MINUTE)
        windows.setdefault(level.window, [made(whole, max(times, 1))])
    return windows, samples


def together(windows: Iterable[Points]) -> Points:
    """Several windows as one."""
    found: dict[Series, Point] = defaultdict(Point)
    for window in windows:
        for series, point in window.items():
            found[series].merge(point)
    return found


def made(points: Points, times: int = 1) -> Points:
    return {series: Made.of(point, times) for series, point in points.items()}


def fill(store: SqlStore, ladder: Ladder, level: Level, windows: list[Points]) -> None:
    """Write every window that a level keeps, as roll-up would have left it."""
    started = time.perf_counter()
    mine = [of_level(window, ladder) for window in windows]
    first = (NOW - min(level.keep, DAYS * DAY)) // level.window * level.window
    every = itertools.cycle(mine)
    starts = range(first, NOW, level.window)
    for part in parts(starts):
        with store.transaction(write=True) as execute:
            for start in part:
                points = dict(aged(next(every), start, level))
                ids = store._series.ids(execute, set(points))
                store._merge(
                    execute, level, {(start, ids[s]): p for s, p in points.items()}
                )
    rows = sum(len(mine[n % len(mine)]) for n in range(len(starts)))
    seconds = time.perf_counter() - started
    print(
        f"{level.kind:>8} of {level.window:>5} s: {rows:>9,} rows in {seconds:.0f} s",
        flush=True,
    )


def parts(starts: range) -> Iterator[range]:
    for number in range(0, len(starts), WINDOWS_AT_ONCE):
        yield starts[number : number + WINDOWS_AT_ONCE]


def of_level(window: Points, ladder: Ladder) -> Points:
    """What of a window is kept in a level."""
    return {s: point for s, point in window.items() if ladder_of(s) is ladder}


def aged(window: Points, start: int, level: Level) -> Iterator[tuple[Series, Point]]:
    """A window as of another time: gauges read then, workers of the release of then."""
    shift = start - (NOW - HOUR) // level.window * level.window
    generation = (NOW - start) // LIFE
    for series, point in window.items():
        assert isinstance(point, Made)
        if generation and (PID in dict(series.labels)):
            series = elder(series, generation)
        yield series, point.moved(shift)


def elder(series: Series, generation: int) -> Series:
    """The same of a process that was there before."""
    return Series(series.name, tuple(
        (name, str(int(value) - 20 * generation) if name == PID else value)
        for name, value in series.labels
    ))  # fmt: skip


#: By kind of samples: how long they are kept, and how often what was played comes again.
AGAIN = {"request": (3 * DAY, HOUR), "statement": (90 * DAY, 7 * DAY), "repeated": (14 * DAY, DAY), "task": (7 * DAY, HOUR)}  # fmt: skip


def fill_samples(store: SqlStore, samples: list[Sample]) -> None:
    """Write examples as old as they are kept, and a deploy nearly every day."""
    started = time.perf_counter()
    for kind, (keep, every) in AGAIN.items():
        mine = heaviest(samples, kind)
        for ago in range(0, keep, every):
            again = [moved(sample, ago) for sample in mine]
            store.write(Batch(samples=again))
    for number in range(DEPLOYS):
        at, release = NOW - number * DAYS * DAY / DEPLOYS, f"2026.{DEPLOYS - number}"
        body = {
            "release": release,
            "previous": f"2026.{DEPLOYS - number - 1}",
            "host": "web-1",
            "url": "",
            "note": "",
        }
        sample = Sample(kind=deploys.KIND, key=release, at=at, weight=1, body=body)
        store.write(Batch(samples=[sample]))
    found = Counter(sample.kind for sample in samples)
    print(
        f"samples of {dict(found)}, again and again, in {time.perf_counter() - started:.0f} s",
        flush=True,
    )


def heaviest(samples: list[Sample], kind: str) -> list[Sample]:
    """As many of each key as the recorder would offer in an hour."""
    by_key: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.kind == kind:
            by_key[sample.key].append(sample)
    return [
        each
        for mine in by_key.values()
        for each in sorted(mine, key=lambda sample: -sample.weight)[:OFFERED]
    ]


def moved(sample: Sample, ago: int) -> Sample:
    """The same some time ago, of another request."""
    body = {**sample.body, "request_id": new_id()}
    if "started_at" in body:
        body["started_at"] -= ago
    return dataclasses.replace(sample, at=min(sample.at, NOW - 1) - ago, body=body)


def sizes(store: SqliteStore) -> dict[str, float]:
    """Megabytes of each table, its indexes included."""
    with store.transaction(write=False) as execute:
        rows = execute(
            "SELECT m.tbl_name, SUM(s.pgsize) / 1e6 FROM dbstat s "
            "JOIN sqlite_master m ON m.name = s.name GROUP BY 1 ORDER BY 2 DESC"
        )
    return dict(rows)


def main(path: pathlib.Path) -> None:
    """Make a store in a process of its own, and say how large it is."""
    from django.conf import settings

    settings.configure(SPOTTER={"STORE": f"sqlite:///{path}"})
    make(path)
    tell_sizes(path)


#: What a table's megabytes are of, by how its name begins.
PARTS = {
    "spotter_points": "requests, caches, tasks, hosts, probes and the rest",
    "spotter_details": "statements, who calls them, what is repeated",
    "spotter_samples": "examples",
    "spotter_outbox": "deliveries",
    "spotter": "the rest of the book, series, totals",
}


def tell_sizes(path: pathlib.Path) -> None:
    """Print the megabytes of each table, and of what belongs together."""
    store = SqliteStore(path, lambda: NOW)
    parts_: Counter[str] = Counter()
    for name, megabytes in sizes(store).items():
        parts_[
            next(what for begin, what in PARTS.items() if name.startswith(begin))
        ] += megabytes  # type: ignore[assignment]
        print(f"{name:>40} {megabytes:8.1f} MB")
    for what, megabytes in parts_.items():
        print(f"{what:>60}: {megabytes:6.1f} MB")
    print(f"{'in all':>60}: {store.size() / 1e6:6.1f} MB", flush=True)
    store.close()
