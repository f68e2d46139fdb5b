"""What a page reads of the store, and that it reads nothing twice."""

from __future__ import annotations

from spotter.dashboard import reading
from spotter.dashboard.period import period_of
from spotter.dashboard.reading import Reader
from spotter.entries import Batch, Series
from spotter.stores.sqlite import MEMORY, SqliteStore

NOW = 1_764_064_800


def test_what_was_read_ahead_is_asked_of_the_store_once(monkeypatch):
    store = SqliteStore(MEMORY, lambda: NOW)
    batch = Batch()
    batch.point(Series("spotter.workers.busy", (("host.name", "a"),)), NOW - 20).set(
        3.0, NOW - 20
    )
    batch.point(Series("spotter.db.errors"), NOW - 20).add(2)
    store.write(batch)
    reader = Reader(store, period_of({"period": "15m"}, NOW), NOW)
    few = {"spotter.workers.busy": (), "spotter.db.errors": (), "nothing": ()}
    reading._kept.clear()
    reader.read_ahead(few)
    monkeypatch.setattr(store, "totals", None)
    monkeypatch.setattr(store, "total", None)
    reader.read_ahead(few)
    assert reader.total("spotter.workers.busy").mean == 3.0
    assert reader.total("spotter.db.errors").sum == 2
    assert reader.totals("nothing") == {}
    reading._kept.clear()
    store.close()
