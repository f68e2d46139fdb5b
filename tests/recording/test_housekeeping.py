"""Whoever flushes keeps the store in order."""

from __future__ import annotations

import time

from spotter import recording
from spotter.recording import buffer
from spotter.stores import Query
from spotter.stores.contract import StoreError
from tests.servers.processes import wait_until


def test_the_thread_rolls_up_what_it_writes(kept, settings):
    settings.SPOTTER = {**settings.SPOTTER, "FLUSH_SECONDS": 0.02}

    def is_rolled_up() -> bool:
        recording.count("bookings.made")
        return bool(rolled_up(kept))

    wait_until(is_rolled_up, 20, "house-keeping")


def rolled_up(store):
    with store.transaction(write=False) as execute:
        rows = execute("SELECT value FROM spotter_meta WHERE name = 'house_kept'")
    return rows[0][0] > 1e9


def test_a_store_that_fails_is_no_reason_to_fail(kept, monkeypatch, caplog):
    def refuse(now):
        raise StoreError("no room on the disk")

    monkeypatch.setattr(kept, "keep_house", refuse)
    buffer._flusher.keep_house()
    assert "no room on the disk" in caplog.text
    assert kept.total(Query(name="x", start=0, end=time.time())) == {}
