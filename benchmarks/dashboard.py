"""What each page of the dashboard takes on a store of 200 routes and 90 days."""

from __future__ import annotations

import pathlib
import statistics
import tempfile
import time
from typing import Any

import time_machine

from benchmarks import _ninety_days
from benchmarks.store import NOW

PAGES = (
    *("", "alerts/", "incidents/one/?id=450", "uptime/", "requests/"),
    *("requests/route/?route=/api/resource-7/<int:pk>/", "queries/", "cache/"),
    *("tasks/", "outgoing/", "hosts/", "logs/", "self/"),
)
PERIODS = ("15m", "1h", "24h", "7d", "90d")


def allow(request: object) -> bool:
    """Everybody may look."""
    return True


def main() -> None:
    """Fill a store and ask for each page, uncached, at the store's own time."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spotter.db"
        _ninety_days.make(path)
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
    """Print the CPU time, the median of three, nothing kept from before."""
    client.get("/spotter/")
    print(f"{'page':>48}  " + "  ".join(f"{name:>8}" for name in PERIODS))
    for page in PAGES:
        taken = []
        for period in PERIODS:
            mark = "&" if "?" in page else "?"
            rounds = []
            for _ in range(3):
                reading._kept.clear()
                # All of it is in this process, and others may be busy.
                started = time.process_time()
                answer = client.get(f"/spotter/{page}{mark}period={period}")
                rounds.append(1000 * (time.process_time() - started))
                assert answer.status_code == 200
            taken.append(statistics.median(rounds))
        print(f"{'/spotter/' + page:>48}  " + "  ".join(f"{t:5.0f} ms" for t in taken))


if __name__ == "__main__":
    main()
