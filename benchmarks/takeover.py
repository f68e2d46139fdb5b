"""
How long nobody leads when the host of the watcher that did is gone.

Two watchers on one store, each on a host of its own as far as they can tell; the one
that leads is killed, and another host is started in its place. On one host a dead leader
is seen at once; from another only its lease tells.
"""

from __future__ import annotations

import argparse
import itertools
import pathlib
import statistics
import subprocess
import tempfile
import time
import uuid
from contextlib import ExitStack

from spotter.alerts.book import Book
from spotter.stores import Store, open_store
from tests.alerts.watching import start
from tests.channels.receiver import receiving
from tests.servers.postgres import running_postgres
from tests.servers.processes import wait_until

PROMISED_SECONDS = 15


def main() -> None:
    """Kill the leader again and again on both stores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deaths", type=int, default=5)
    deaths = parser.parse_args().deaths
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        report("SQLite", measure(f"sqlite:///{path / 'spotter.db'}", path, deaths))
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        name = f"takeover_{uuid.uuid4().hex[:8]}"
        server.create_database(name)
        report("PostgreSQL", measure(server.url(name), pathlib.Path(folder), deaths))


def report(store: str, taken: list[float]) -> None:
    print(f"{store:>10}: {statistics.median(taken):5.1f} s without a leader, longest "
          f"{max(taken):5.1f} s of {len(taken)} (promised: {PROMISED_SECONDS} s)")  # fmt: skip


def measure(url: str, folder: pathlib.Path, deaths: int) -> list[float]:
    """Seconds from each death until another has the lead."""
    hosts = (f"host-{number}" for number in itertools.count())
    with ExitStack() as stack:
        receiver = stack.enter_context(receiving())
        (folder / "value").write_text("0")
        store = open_store(url)
        stack.callback(store.close)
        watchers: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(lambda: stop(watchers))

        def begin() -> None:
            process = start(url, folder, receiver.url, next(hosts))
            watchers[str(process.pid)] = process

        taken = []
        begin()
        for number in range(deaths):
            begin()
            log = folder / "watcher.log"
            wanted = number + 2
            wait_until(
                lambda: log.read_text().count("spotter: watching") >= wanted,  # noqa: B023 (called at once)
                60, "both watching",
            )  # fmt: skip
            wait_until(lambda: leader_of(store) in watchers, 60, "a leader")
            dead = leader_of(store)
            end(watchers.pop(dead))
            died = time.monotonic()
            wait_until(lambda: leader_of(store) != dead, 60, "another leader")  # noqa: B023 (called at once)
            taken.append(time.monotonic() - died)
        return taken


def leader_of(store: Store) -> str:
    """The process that the store says leads."""
    with Book(store).reading() as page:  # type: ignore[arg-type]
        held = page.leader()
    return held[0].rsplit("-", 2)[1] if held else ""


def stop(watchers: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in watchers.values():
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


if __name__ == "__main__":
    main()
