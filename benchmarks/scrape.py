"""What a scrape of 200 routes takes, however many processes have come and gone."""

from __future__ import annotations

import pathlib
import statistics
import tempfile
import time

from benchmarks._service import Service
from spotter.entries import Batch, Series
from spotter.stores.sqlite import SqliteStore

#: What each process tells of itself.
OF_A_PROCESS = (
    "process.memory.usage", "process.cpu.utilization", "process.open_file_descriptor.count",
    "http.server.active_requests", "spotter.workers.busy", "spotter.workers.count",
    "spotter.process.release",
)  # fmt: skip


def main() -> None:
    """Fill a store, render it, and again after many processes."""
    from django.conf import settings

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spotter.db"
        settings.configure(SPOTTER={"STORE": f"sqlite:///{path}"})
        store = SqliteStore(path)
        store.write(Service().seconds(int(time.time()) - 60, 60))
        report("200 routes")
        for processes in (50, 2000):
            store.write(gone(processes, time.time() - 600))
            report(f"and {processes} processes that are gone")


def gone(processes: int, at: float) -> Batch:
    """What processes leave behind that told of themselves last at an instant."""
    batch = Batch()
    for pid in range(processes):
        labels = {"host.name": "a", "process.pid": pid}
        for name in OF_A_PROCESS:
            batch.point(Series.of(name, labels), at).set(40, at)
    return batch


def report(what: str) -> None:
    """The median of ten scrapes, reading and rendering, in CPU time."""
    from spotter.exposition import recorded

    taken = []
    for _ in range(10):
        started = time.process_time()
        text = "".join(recorded.render(recorded.read(), True))
        taken.append(1000 * (time.process_time() - started))
    print(f"{what:>36}: {statistics.median(taken):6.1f} ms, {len(text) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
