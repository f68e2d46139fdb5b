"""`manage.py spotter rules`: every rule with its limit, state and what became of it."""

from __future__ import annotations

import io
import time

import pytest
from django.core.management import call_command

from spotter.alerts.book import Book
from spotter.alerts.drilled import JOB
from spotter.alerts.records import Ping
from spotter.alerts.rules import Severity
from spotter.channels.notice import clock
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore
from tests.alerts.kit import World, rule


@pytest.fixture
def world(tmp_path, settings):
    """A watcher that saw a disk fill, told of it, and was drilled."""
    mine = rule("DiskFull", severity=Severity.WARNING, threshold=0.8, unit="share")
    settings.SPOTTER = {
        "STORE": f"sqlite:///{tmp_path / 'spotter.db'}",
        "RULES": [mine],
        "FLUSH_SECONDS": 3600.0,
    }
    store = get_store()
    assert isinstance(store, SqlStore)
    made = World(mine, book=Book(store))
    made.now = time.time() - 60
    made.tick(5, DiskFull=0.93)
    with made.book.writing() as page:
        page.ping(Ping(name=f"{JOB}DiskFull", kind="success", at=made.now - 500))
    return made


def line(name):
    out = io.StringIO()
    call_command("spotter", "rules", stdout=out)
    return next(each for each in out.getvalue().splitlines() if each.startswith(name))


def test_a_rule_is_listed_with_its_limit_state_value_and_last_times(world):
    cells = line("DiskFull").split("  ")
    shown = [cell.strip() for cell in cells if cell.strip()]
    fired = clock(world.now)
    assert shown == [
        "DiskFull", "warning", "> 80 %", "0 s", "firing", "93 %",
        fired, fired, clock(world.now - 500),
    ]  # fmt: skip


def test_a_rule_that_never_fired_says_so(world):
    assert line("HighCPU").split()[-3:] == ["never", "never", "never"]
    assert "inactive" in line("HighCPU")


def test_the_worst_value_of_a_rule_that_looks_below_is_the_lowest(world, settings):
    low = rule("Low", threshold=5, below=True)
    settings.SPOTTER = {**settings.SPOTTER, "RULES": [low]}
    other = World(low, book=world.book)
    other.now = world.now
    other.tick(5, Low=3)
    assert "< 5" in line("Low")
    assert "  3  " in line("Low")
