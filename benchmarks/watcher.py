"""What one cycle of the watcher takes on a store of 90 days as a busy service leaves it."""

from __future__ import annotations

import argparse
import pathlib
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence

import time_machine

from benchmarks import _ninety_days
from benchmarks._apart import apart
from benchmarks._book import CHANNELS
from benchmarks._ninety_days import NOW
from spotter.channels import Channel, Notice

ROUNDS = 10
#: How often it looks.
CYCLE_SECONDS = 5


def main() -> None:
    """Fill a store, and let a watcher look at it again and again."""
    parser = argparse.ArgumentParser(prog="benchmarks watcher", description=__doc__)
    parser.add_argument("--keep", type=pathlib.Path, help="a store to watch a copy of")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spotter.db"
        if asked.keep:
            shutil.copy(asked.keep, path)
        else:
            apart(_ninety_days.main, path)
        watch(path)


def watch(path: pathlib.Path) -> None:
    """Time each part of a cycle, in CPU time."""
    import django
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=["spotter"], SPOTTER={"STORE": f"sqlite:///{path}"}
    )
    django.setup()
    from spotter.alerts.watcher import Watcher
    from spotter.stores.current import get_store

    get_store()._clock = lambda: NOW  # type: ignore[attr-defined]
    with time_machine.travel(NOW) as clock:
        watcher = Watcher(channels=channels(), monitors=[])
        # Five seconds pass between two cycles; to it the clock would seem to jump.
        watcher.clock.jumped = lambda: 0.0  # type: ignore[method-assign]
        parts: dict[str, Callable[[float], object]] = {
            "a whole cycle": lambda now: watcher.cycle(),
            "evaluating all rules": lambda now: watcher.engine.evaluate(
                watcher.source, now + 3600
            ),
            "deciding who is told": lambda now: decide(watcher, now),
            "what is to be sent": lambda now: watcher.outbox.deliver(watcher.book, now),
            "the spare book": lambda now: watcher.spare.copy(watcher.book, now),
        }
        watcher.cycle()
        for name, part in parts.items():
            taken = []
            for _ in range(ROUNDS):
                clock.shift(CYCLE_SECONDS)
                started = time.process_time()
                part(time.time())
                taken.append(1000 * (time.process_time() - started))
            print(f"{name:>22}: {statistics.median(taken):6.1f} ms, "
                  f"longest {max(taken):6.1f} ms")  # fmt: skip


def channels() -> Sequence[Channel]:
    """Those that the deliveries in the book are of; nothing goes anywhere."""

    class Silent(Channel):
        def send(self, notice: Notice) -> None:
            """Whatever the store's own alerts open meanwhile."""

    return [Silent(name=name) for name in CHANNELS]


def decide(watcher: object, now: float) -> None:
    with watcher.book.writing() as page:  # type: ignore[attr-defined]
        watcher.engine.reconcile(page, now)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
