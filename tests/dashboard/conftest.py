"""The dashboard over a store of its own: full, empty or broken."""

from __future__ import annotations

import shutil
import time

import pytest
import time_machine
from django.contrib.auth.models import User

from spotter.dashboard import reading
from spotter.stores.sqlite import SqliteStore
from tests.dashboard.filled import fill
from tests.kept import kept_store

PAGES = [
    "",
    "requests/",
    "requests/route/?route=/api/clients/",
    "requests/example/?route=/api/payments/checkout/&id=0f3a9c2e5b7d48160f3a9c2e5b7d4816",
    "queries/",
    "queries/?tab=slow",
    "queries/?tab=repeated",
    "queries/statement/?fingerprint=c1b2c3d4e5f60718",
    "cache/",
    "tasks/",
    "outgoing/",
    "hosts/",
    "alerts/",
    "incidents/",
    "incidents/one/?id=1",
    "silences/",
    "silences/?matchers=rule%3DHighCPU",
    "uptime/",
    "logs/",
    "self/",
]


@pytest.fixture
def store(settings, tmp_path):
    """An empty store, which everybody may look at."""
    yield from opened(settings, tmp_path)


def opened(settings, folder):
    settings.SPOTTER = {"DASHBOARD_ACCESS": "tests.dashboard.conftest.everybody"}
    reading._kept.clear()
    yield from kept_store(settings, folder)


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory):
    """An hour and a half of a service, written once."""
    path, now = tmp_path_factory.mktemp("filled") / "spotter.db", time.time()
    store = SqliteStore(path)
    fill(store, now=now)
    store.close()
    return path, now


@pytest.fixture
def filled(filled_file, settings, tmp_path):
    """A store with an hour and a half of a service."""
    path, now = filled_file
    # Before it is opened: a flush of this process may come at any time.
    shutil.copy(path, tmp_path / "spotter.db")
    # Of its own time: a process that has told nothing for a minute is gone.
    with time_machine.travel(now, tick=True):
        yield from opened(settings, tmp_path)


def everybody(request):
    return True


def nobody(request):
    return False


def broken(request):
    raise LookupError("the project's own check is broken")


@pytest.fixture
def staff(db):
    return User.objects.create_user("staff", is_staff=True)
