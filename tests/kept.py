"""Read what was recorded, for the tests of everything that records."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from spotter import recording
from spotter.entries import Point
from spotter.recording import buffer
from spotter.stores import Query, Store
from spotter.stores.current import get_store


def kept_store(settings: Any, folder: pathlib.Path) -> Iterator[Store]:
    """Name a store in the settings; what others captured before is dropped."""
    buffer._flusher.stop()
    settings.SPOTTER = {
        **getattr(settings, "SPOTTER", {}),
        "STORE": f"sqlite:///{folder / 'spotter.db'}",
        "FLUSH_SECONDS": 3600.0,
    }
    store = get_store()
    yield store
    # Its thread would open again what is closed here.
    buffer._flusher.stop()
    store.close()


def recorded(name: str, *by: str, **where: str) -> dict[Any, Point]:
    """Flush, and give a metric's points of the last hour by the values of labels."""
    recording.flush()
    now = time.time()
    query = Query(name=name, start=now - 3600, end=now + 60, by=by, where=dotted(where))
    totals = get_store().total(query)
    return {group[0] if len(by) == 1 else group: p for group, p in totals.items()}


def dotted(where: Mapping[str, str]) -> dict[str, str]:
    """Labels as keywords: `http_route` is `http.route`."""
    return {name.replace("_", "."): value for name, value in where.items()}
