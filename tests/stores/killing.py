"""Kill writing processes at random moments, and account for every batch."""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import random
import signal
import time
from collections.abc import Callable

from spotter.entries import Batch, Series
from spotter.stores.contract import Query
from spotter.stores.sql import SqlStore
from tests.servers.processes import wait_until

KILLS = 8
NAME = "hits"


@dataclasses.dataclass(frozen=True)
class Kills:
    """What the processes asked for and what was acknowledged to them."""

    ledger: pathlib.Path

    def entries(self, kind: str) -> list[str]:
        lines = self.ledger.read_text().splitlines()
        return [line[1:] for line in lines if line[0] == kind]

    def accounted(self, store: SqlStore) -> list[str]:
        """What is wrong: a batch lost, one that nobody asked for, a wrong total."""
        with store.transaction(write=False) as execute:
            present = [row[0] for row in execute("SELECT id FROM spotter_batches")]
        done, begun = self.entries("+"), self.entries("?")
        now = time.time()
        span = Query(name=NAME, start=now - 3600, end=now + 60)
        totals = {
            "windows": store.total(span)[()].sum,
            "ever": store.cumulative()[Series(NAME)].sum,
        }
        store.close()
        return [
            *(f"{id_} was acknowledged and lost" for id_ in set(done) - set(present)),
            *(f"{id_} was never begun" for id_ in set(present) - set(begun)),
            *(f"{what}: {n}, not {len(present)}" for what, n in totals.items() if n != len(present)),
        ]  # fmt: skip


def killed_at_random(
    open_store: Callable[[], SqlStore], ledger: pathlib.Path, seed: int
) -> Kills:
    """Let one process after another write until it is killed, soon and anywhere."""
    moments = random.Random(seed)  # noqa: S311 (no secret)
    for _ in range(KILLS):
        before = ledger.stat().st_size if ledger.exists() else 0
        child = os.fork()
        if not child:
            write_for_ever(open_store(), ledger)
        wait_until(functools.partial(has_grown, ledger, before), 20, "a batch")
        time.sleep(moments.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return Kills(ledger)


def has_grown(ledger: pathlib.Path, size: int) -> bool:
    return ledger.exists() and ledger.stat().st_size > size + 70


def write_for_ever(store: SqlStore, ledger: pathlib.Path) -> None:
    """Enter each batch before it is written and after it was acknowledged."""
    file = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        while True:
            batch = Batch()
            batch.point(Series(NAME), time.time()).add(1)
            os.write(file, f"?{batch.id}\n".encode())
            store.write(batch)
            os.write(file, f"+{batch.id}\n".encode())
    finally:
        os._exit(1)
