"""What was captured and waits to be added up; appending to it is all a request pays."""

from __future__ import annotations

import collections
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from spotter.entries import Batch, Labels
from spotter.recording.aside import diverted_to
from spotter.recording.flusher import Flusher
from spotter.recording.measures import Item, Measures, sorted_labels
from spotter.rescue import rescue

#: Items that may wait; a flush that hangs must not fill the memory.
MAX_ITEMS = 20_000
#: Waiting items above which one is kept without its details: a request may have forty
#: kilobytes of them, ten megabytes in all, and a disk that hangs may hang for minutes.
MAX_DETAILED = 250
#: Waiting items that wake the flusher before its time, so that few are ever held.
WAKE_AT = 100
#: Waiting items from which on a thread that has just answered adds them up: the flusher's
#: is mostly at another core, and takes longer, since it has to fetch all of it from there.
RELIEVE_AT = 50
#: The largest amount, to either side: of any number that come, the sum is finite.
LARGEST = 1e290

_items: collections.deque[Item] = collections.deque()
_flusher = Flusher(_items)


def put(item: Item) -> None:
    """Hand over what was captured; never waits, never raises for lack of room."""
    take = diverted_to()
    if take is not None:
        take(item)
        return
    waiting = len(_items)
    if waiting >= MAX_ITEMS:
        _flusher.missed.append(1)
        return
    if waiting >= MAX_DETAILED:
        lighten = getattr(item, "lighten", None)
        if lighten is not None:
            lighten()
    _items.append(item)
    # Any of several threads may see the mark passed; a wake-up too many is harmless.
    if waiting >= WAKE_AT or not _flusher.is_running:
        _flusher.wake()


def relieve(**kwargs: Any) -> None:
    """Add up what waits on the caller's thread, if it is much; for a signal too."""
    if len(_items) >= RELIEVE_AT:
        with rescue("add up after a response"):
            # After a store that hung there may be thousands.
            _flusher.relieve(2 * RELIEVE_AT)


def hurry() -> None:
    """Have what waits added up now, off the caller's thread."""
    _flusher.wake()


def awake() -> None:
    """Begin to measure this process though nothing was captured: it is there."""
    if not _flusher.is_running:
        with rescue("begin to measure"):
            _flusher.wake()


def flush() -> bool:
    """Write everything that waits, now; False when the store could not take it."""
    return _flusher.flush()


def finish() -> None:
    """Write what waits before this process ends, without holding it up for long."""
    _flusher.finish()


def listen(take: Callable[[Batch], object]) -> None:
    """Hand every batch of this process to somebody besides the store."""
    _flusher.listeners.append(take)


def unlisten(take: Callable[[Batch], object]) -> None:
    """Hand it no more."""
    _flusher.listeners.remove(take)


def sampler(read: Callable[[], None], *, every_seconds: float = 10.0) -> None:
    """Have readings taken off the request, as long as this process measures at all."""
    _flusher.add_sampler(read, every_seconds)


class Measurement:
    """One amount, observation or reading of one series."""

    __slots__ = ("at", "how", "labels", "name", "value")

    def __init__(self, how: How, name: str, labels: Labels, value: float) -> None:
        self.how: How = how
        self.name = name
        self.labels = labels
        self.value = value
        self.at = time.time()

    def measure(self, into: Measures) -> None:
        """Add it to its point."""
        # PostgreSQL takes no truth value, and no Decimal, for a number: one of a host's
        # would keep the whole batch from being written, again and again.
        value = float(self.value)
        # NaN compares as false. One would be the series' total for good, or, where the
        # database takes none, keep the whole batch from being written.
        if not -LARGEST <= value <= LARGEST:
            into.drop("telemetry", "not finite", self.at)
            return
        point = into._point(self.name, self.labels, self.at)
        if self.how == "gauge":
            point.set(value, self.at)
        elif self.how == "count":
            point.add(value)
        elif self.how == "summary":
            point.note(value)
        else:
            point.observe(value)


How = Literal["count", "observe", "summary", "gauge"]
No: Mapping[str, object] = {}


# What is not finite is left out by each of them and counted in `spotter.dropped`.
def count(name: str, labels: Mapping[str, object] = No, amount: float = 1) -> None:
    """Count up a counter; 0 makes it known, so that its first event is a change."""
    put(Measurement("count", name, sorted_labels(labels), amount))


def observe(name: str, value: float, labels: Mapping[str, object] = No) -> None:
    """Add a value, in seconds or bytes, to a histogram."""
    put(Measurement("observe", name, sorted_labels(labels), value))


def summarize(name: str, value: float, labels: Mapping[str, object] = No) -> None:
    """Add a value to a summary: a histogram without buckets."""
    put(Measurement("summary", name, sorted_labels(labels), value))


def gauge(name: str, value: float, labels: Mapping[str, object] = No) -> None:
    """Take a reading of a gauge."""
    put(Measurement("gauge", name, sorted_labels(labels), value))


# A child of fork() has the parent's items, which the parent writes, and no thread.
os.register_at_fork(after_in_child=_flusher.after_fork)
