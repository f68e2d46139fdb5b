"""What each page of the dashboard takes on a store of 200 routes and 90 days."""

from __future__ import annotations

import pathlib
import random
import statistics
import tempfile
import time
from typing import Any

import time_machine

from benchmarks.store import NOW, fill, point
from spotter.stores.contract import LEVELS
from spotter.stores.sqlite import SqliteStore

PAGES = (
    *("", "requests/", "requests/route/?route=/api/resource-7/<int:pk>/"),
    *("queries/", "cache/", "hosts/", "self/"),
)
PERIODS = ("15m", "1h", "24h", "7d", "90d")


def allow(request: object) -> bool:
    """Everybody may look."""
    return True


def main() -> None:
    """Fill a store and ask for each page, uncached, at the store's own time."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spotter.db"
        random.seed(1)
        store = SqliteStore(path, lambda: NOW)
        for level in LEVELS:
            each = min(level.window // 2, 2000)
            fill(
                store,
                level,
                {k: [point(k, each) for _ in range(30)] for k in (True, False)},
            )
        with store.transaction(write=True) as execute:
            for level in LEVELS[1:]:
                store._set_mark(execute, level, NOW)
        store.close()
        serve(path)


def serve(path: pathlib.Path) -> None:
    """Ask for every page and period."""
    import django
    from django.conf import settings

    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="spotter.urls",
        INSTALLED_APPS=["spotter"],
        SPOTTER={
            "STORE": f"sqlite:///{path}",
            "DASHBOARD_ACCESS": "benchmarks.dashboard.allow",
        },
    )
    django.setup()
    from django.test import Client

    from spotter.dashboard import reading
    from spotter.stores.current import get_store

    get_store()._clock = lambda: NOW  # type: ignore[attr-defined]
    with time_machine.travel(NOW):
        ask(Client(), reading)


def ask(client: Any, reading: Any) -> None:
    """Print the median of three, nothing kept from before."""
    client.get("/spotter/")
    print(f"{'page':>48}  " + "  ".join(f"{name:>8}" for name in PERIODS))
    for page in PAGES:
        taken = []
        for period in PERIODS:
            mark = "&" if "?" in page else "?"
            rounds = []
            for _ in range(3):
                reading._kept.clear()
                started = time.perf_counter()
                answer = client.get(f"/spotter/{page}{mark}period={period}")
                rounds.append(1000 * (time.perf_counter() - started))
                assert answer.status_code == 200
            taken.append(statistics.median(rounds))
        print(f"{'/spotter/' + page:>48}  " + "  ".join(f"{t:5.0f} ms" for t in taken))


if __name__ == "__main__":
    main()
