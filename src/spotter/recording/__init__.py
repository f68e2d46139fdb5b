"""What was captured, on its way to the store: a bounded buffer and who empties it."""

from __future__ import annotations

from spotter.recording.aside import SetAside, captured
from spotter.recording.buffer import (
    count,
    flush,
    gauge,
    listen,
    observe,
    put,
    sampler,
    summarize,
    unlisten,
)
from spotter.recording.events import count_signal
from spotter.recording.latest import latest_key
from spotter.recording.measures import Item, Measures

__all__ = [
    "Item",
    "Measures",
    "SetAside",
    "captured",
    "count",
    "count_signal",
    "flush",
    "gauge",
    "latest_key",
    "listen",
    "observe",
    "put",
    "sampler",
    "summarize",
    "unlisten",
]
