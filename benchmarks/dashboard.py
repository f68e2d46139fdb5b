"""
What each page of the dashboard takes on a busy service's store of 90 days.

`python -m benchmarks dashboard [--store sqlite|postgresql|both] [--keep FILE]`
"""

from __future__ import annotations

import argparse
import functools
import pathlib
import statistics
import tempfile
import time
import urllib.parse
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import time_machine

from benchmarks import _ninety_days, _servers
from benchmarks._apart import apart
from benchmarks._book import INCIDENTS
from benchmarks._ninety_days import NOW
from benchmarks._service import route_of, sql_of
from spotter.fingerprints import statement_of

BUSY_ROUTE, PLAIN_ROUTE = route_of(25), route_of(7)
PERIODS = ("15m", "1h", "24h", "7d", "90d")
ROUNDS = 5
TOKEN = "of-the-benchmark-alone-0123456789"
PROMISED_MS = 100.0


def addresses(request_id: str) -> list[str]:
    """Every page, each tab, the pages of one thing, tables as files."""

    def of(path: str, **asked: str) -> str:
        return f"{path}/?{urllib.parse.urlencode(asked)}" if asked else f"{path}/"

    slow = statement_of(sql_of(25, 6)).fingerprint
    plain = statement_of(sql_of(7, 0)).fingerprint
    return [
        "?", "alerts/", "incidents/", of("incidents", during="90d"),
        of("incidents/one", id=str(INCIDENTS)), of("incidents/one", id=str(INCIDENTS // 2)),
        "silences/", of("silences", matchers="rule=HighCPU"), "uptime/", "requests/",
        of("requests", sort="errors", page="3"), of("requests/route", route=BUSY_ROUTE),
        of("requests/route", route=PLAIN_ROUTE),
        of("requests/example", route=BUSY_ROUTE, id=request_id),
        "queries/", of("queries", tab="slow"), of("queries", tab="repeated"),
        of("queries/statement", fingerprint=slow), of("queries/statement", fingerprint=plain),
        "cache/", "tasks/", "outgoing/", "hosts/", "logs/", "self/", "runbooks/",
        of("requests", format="csv", block="routes"), of("requests", format="csv", block="duration"),
        of("queries", format="csv", block="statements"), of("hosts", format="csv", block="processes"),
        of("tasks", format="csv", block="tasks"), of("incidents/one", id=str(INCIDENTS), format="md"),
    ]  # fmt: skip


def allow(request: object) -> bool:
    """Everybody may look."""
    return True


def main() -> None:
    """Fill a store and ask for each page, uncached, at the store's own time."""
    parser = argparse.ArgumentParser(prog="benchmarks dashboard", description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")  # fmt: skip
    parser.add_argument("--keep", type=pathlib.Path, help="a store to ask, made if it is not there")  # fmt: skip
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = asked.keep or pathlib.Path(folder) / "spotter.db"
        if not path.exists():
            apart(_ninety_days.main, path)
        if asked.store != "postgresql":
            apart(serve, f"sqlite:///{path}")
        if asked.store != "sqlite":
            with _servers.copied(path) as url:
                apart(serve, url)


def serve(url: str) -> None:
    """Ask for every page and period."""
    import django
    from django.conf import settings

    settings.configure(
        ALLOWED_HOSTS=["*"],
        SECRET_KEY="of the benchmark alone",
        ROOT_URLCONF="spotter.urls",
        INSTALLED_APPS=["spotter"],
        SPOTTER={
            "STORE": url,
            "DASHBOARD_ACCESS": "benchmarks.dashboard.allow",
            "TOKEN": TOKEN,
        },
    )
    django.setup()
    from django.test import Client

    from spotter.stores.current import get_store

    store: Any = get_store()
    store._clock = lambda: NOW
    with time_machine.travel(NOW):
        example = store.samples("request", key=BUSY_ROUTE, limit=1)[0]
        table(Clock(store), Client(), addresses(example.body["request_id"]))


class Clock:
    """CPU and elapsed time of this process and of the database's that works for it."""

    def __init__(self, store: Any) -> None:
        self.name = type(store).__name__
        self.backend = 0
        if self.name == "PostgresqlStore":
            with store.transaction(write=False) as execute:
                self.backend = execute("SELECT pg_backend_pid()")[0][0]

    def timed(self, work: Callable[[], Any]) -> tuple[float, float]:
        """CPU and elapsed milliseconds."""
        from spotter.dashboard import reading

        reading._kept.clear()
        cpu, started = self._cpu(), time.perf_counter()
        answer = work()
        taken = 1000 * (self._cpu() - cpu), 1000 * (time.perf_counter() - started)
        assert answer.status_code == 200, answer.status_code
        return taken

    def _cpu(self) -> float:
        own = time.process_time()
        if not self.backend:
            return own
        spent = pathlib.Path(f"/proc/{self.backend}/schedstat").read_text().split()[0]
        return own + int(spent) / 1e9


def table(clock: Clock, client: Any, pages: list[str]) -> None:
    """Print CPU and elapsed time, medians of some, the slowest first; nothing is kept."""
    client.get("/spotter/")
    rows = []
    for page in pages:
        taken = []
        for period in PERIODS:
            mark = "" if page.endswith("?") else "&" if "?" in page else "?"
            place = f"/spotter/{page}{mark}period={period}"
            look = functools.partial(client.get, place)
            rounds = [clock.timed(look) for _ in range(ROUNDS)]
            taken.append(
                (
                    statistics.median(c for c, _ in rounds),
                    statistics.median(e for _, e in rounds),
                )
            )
        rows.append((page, taken))
    rows.sort(key=lambda row: -max(cpu for cpu, _ in row[1]))
    print(f"{clock.name}: milliseconds of CPU, and elapsed", flush=True)
    print(f"{'page':>58}  " + "  ".join(f"{name:>10}" for name in PERIODS))
    for page, taken in rows:
        cells = "  ".join(f"{cpu:4.0f} {elapsed:5.0f}" for cpu, elapsed in taken)
        print(f"{page[:58]:>58}  {cells}")
    from spotter.exposition import recorded

    def scrape() -> Any:
        text = "".join(recorded.render(recorded.read(), True))
        return SimpleNamespace(status_code=200, text=text)

    scrapes = [clock.timed(scrape) for _ in range(ROUNDS)]
    cpu, elapsed = (statistics.median(each) for each in zip(*scrapes, strict=True))
    print(f"{'/metrics/':>58}  {cpu:4.0f} {elapsed:5.0f}")
    over = sum(cpu > PROMISED_MS for _, taken in rows for cpu, _ in taken)
    print(
        f"{over} of {len(rows) * len(PERIODS)} took more than {PROMISED_MS:.0f} ms of CPU",
        flush=True,
    )


if __name__ == "__main__":
    main()
