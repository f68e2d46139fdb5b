"""Jobs that register themselves: in the process that runs them, in the store for all."""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence

from django.apps import AppConfig, apps

from spotter.alerts.book import Book, Page
from spotter.alerts.punctuality import Heartbeat
from spotter.conf import get_settings
from spotter.rescue import ignore, rescue

#: Where an app keeps what runs by itself.
PLACES = (
    "tasks.py", "jobs.py", "cron.py", "tasks/*.py", "jobs/*.py",
    "management/commands/*.py",
)  # fmt: skip
#: Only a module that speaks of heartbeats is imported to look for them.
WORD = "heartbeat"
#: Pings that judging one job takes, and that are kept of one.
LOOK_BACK, KEPT = 200, 5000

#: What the decorators of this process declared, by name.
declared: dict[str, Heartbeat] = {}
#: What is written down already, by store.
_enrolled: set[tuple[int, Heartbeat]] = set()
_lock = threading.Lock()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job and since when it is known."""

    heartbeat: Heartbeat
    registered_at: float | None


def declare(heartbeat: Heartbeat) -> None:
    """Let this process know of a job."""
    declared[heartbeat.name] = heartbeat


def configured() -> list[Heartbeat]:
    """Those of `SPOTTER["HEARTBEATS"]`; what is none was told by the system check."""
    given = get_settings().heartbeats
    return [each for each in given if isinstance(each, Heartbeat)]


def of_this_process() -> list[Heartbeat]:
    """All that this process knows of; the settings have the last word."""
    return list({**declared, **{each.name: each for each in configured()}}.values())


def stored(page: Page) -> dict[str, Job]:
    """All that any process has ever run, by name."""
    rows = page.run(
        "SELECT name, every_seconds, grace_seconds, max_seconds, is_backup, "
        "registered_at FROM spotter_jobs ORDER BY name"
    )
    return {
        name: Job(
            heartbeat=Heartbeat(
                name=name, every_seconds=every, grace_seconds=grace,
                max_seconds=longest, is_backup=bool(is_backup),
            ),
            registered_at=at,
        )
        for name, every, grace, longest, is_backup, at in rows
    }  # fmt: skip


def known(page: Page, heartbeats: Iterable[Heartbeat] = ()) -> list[Job]:
    """Those of the store, and more that are known here."""
    found = stored(page)
    for each in heartbeats:
        before = found.get(each.name)
        at = before.registered_at if before else None
        found[each.name] = Job(heartbeat=each, registered_at=at)
    return [found[name] for name in sorted(found)]


def enroll(page: Page, heartbeats: Sequence[Heartbeat], now: float) -> None:
    """Write what has changed; a job keeps the moment since when it is known."""
    before = stored(page)
    for each in heartbeats:
        row = dataclasses.replace(
            each, grace_seconds=each.allowed_seconds - each.every_seconds
        )
        if each.name in before and before[each.name].heartbeat == row:
            continue
        page.run(
            "INSERT INTO spotter_jobs (name, every_seconds, grace_seconds, max_seconds, "
            "is_backup, registered_at) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET every_seconds = excluded.every_seconds, "
            "grace_seconds = excluded.grace_seconds, "
            "max_seconds = excluded.max_seconds, is_backup = excluded.is_backup",
            (
                row.name, row.every_seconds, row.grace_seconds, row.max_seconds,
                int(row.is_backup), now,
            ),
        )  # fmt: skip


def enroll_all(book: Book) -> None:
    """Write down all that this process knows of, where that is news."""
    jobs = of_this_process()
    keys = {(id(book.store), each) for each in jobs}
    with ignore(), book.reading() as page:
        before = stored(page)
    if any(each.name not in before for each in jobs) or not keys <= _enrolled:
        with ignore(), book.writing() as page:
            enroll(page, jobs, time.time())
        _enrolled.update(keys)


def enroll_once(book: Book, heartbeat: Heartbeat) -> None:
    """Write a job down at its first run in this process."""
    key = (id(book.store), heartbeat)
    with _lock:
        if key not in _enrolled:
            with ignore(), book.writing() as page:
                enroll(page, [heartbeat], time.time())
            _enrolled.add(key)


def forget(page: Page, name: str) -> bool:
    """Forget a job that there is no more; False when it was not known."""
    page.run("DELETE FROM spotter_pings WHERE name = ?", (name,))
    return bool(
        page.run("DELETE FROM spotter_jobs WHERE name = ? RETURNING name", (name,))
    )


def trim(page: Page) -> None:
    """Keep the latest pings of each job: one each minute would be 100,000 in 90 days."""
    page.run(
        "DELETE FROM spotter_pings WHERE id IN (SELECT id FROM (SELECT id, ROW_NUMBER() "
        "OVER (PARTITION BY name ORDER BY at DESC, id DESC) AS place "
        "FROM spotter_pings) AS ranked WHERE place > ?)",
        (KEPT,),
    )


def discover() -> None:
    """Import what declares jobs: else only the process that runs one knows of it."""
    for config in apps.get_app_configs():
        for module, path in places(config):
            if module not in sys.modules and WORD in path.read_text(errors="replace"):
                with rescue(f"look for heartbeats in {module}"):
                    importlib.import_module(module)


def places(config: AppConfig) -> Iterator[tuple[str, pathlib.Path]]:
    """The modules of an app that may declare jobs."""
    if config.name == "spotter":
        return
    folder = pathlib.Path(config.path)
    for pattern in PLACES:
        for path in sorted(folder.glob(pattern)):
            parts = path.relative_to(folder).with_suffix("").parts
            if not parts[-1].startswith("_"):
                yield ".".join([config.name, *parts]), path
