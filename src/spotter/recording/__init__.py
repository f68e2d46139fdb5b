"""What was captured, on its way to the store: a bounded buffer and who empties it."""

from __future__ import annotations

from spotter.recording.buffer import (
    count,
    flush,
    gauge,
    observe,
    put,
    sampler,
    summarize,
)
from spotter.recording.events import count_signal
from spotter.recording.latest import latest_key
from spotter.recording.measures import Item, Measures

__all__ = [
    "Item",
    "Measures",
    "count",
    "count_signal",
    "flush",
    "gauge",
    "latest_key",
    "observe",
    "put",
    "sampler",
    "summarize",
]
