"""What was captured, on its way to the store: a bounded buffer and who empties it."""

from __future__ import annotations

from spotter.recording.aside import SetAside, captured
from spotter.recording.buffer import (
    awake,
    count,
    finish,
    flush,
    gauge,
    hurry,
    listen,
    observe,
    put,
    relieve,
    sampler,
    summarize,
    unlisten,
)
from spotter.recording.ending import at_exit
from spotter.recording.events import count_signal
from spotter.recording.latest import latest_readings, store_key
from spotter.recording.measures import Item, Measures

__all__ = [
    "Item",
    "Measures",
    "SetAside",
    "at_exit",
    "awake",
    "captured",
    "count",
    "count_signal",
    "finish",
    "flush",
    "gauge",
    "hurry",
    "latest_readings",
    "listen",
    "observe",
    "put",
    "relieve",
    "sampler",
    "store_key",
    "summarize",
    "unlisten",
]
