"""Where the rules read: the store, or what the watcher itself remembers of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from spotter.entries import Batch, Point, Sample
from spotter.stores.contract import Group, Query, Store, StoreError
from spotter.stores.sqlite import MEMORY, SqliteStore

#: How long the watcher remembers what it measured itself.
REMEMBER_SECONDS = 1800.0


class Source:
    """
    The store as the rules see it.

    While the store can't be read, rules about what the watcher measures itself (its
    probes, its host) go on from memory, and the rest is unknown, not false.
    """

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._memory = SqliteStore(MEMORY)
        self._lock = threading.Lock()
        #: Whether the store takes no writes: what it says of now is old.
        self.is_cut_off = False
        #: Why the store can't be read; "" while it can.
        self.trouble = ""

    def remember(self, batch: Batch) -> None:
        """Keep what this process measured."""
        with self._lock:
            self._memory.write(batch)

    def forget(self, now: float) -> None:
        """Keep no more than is asked for."""
        with self._lock:
            self._memory.roll_up(now)
            self._memory.trim(now)

    def total(self, query: Query) -> dict[Group, Point]:
        """As a store's; raises StoreError when nobody knows."""
        if self.is_cut_off and (remembered := self._remembered(query)):
            return remembered
        try:
            found = self._store().total(query)
        except StoreError as error:
            self.trouble = str(error)
            remembered = self._remembered(query)
            if not remembered:
                raise
            return remembered
        self.trouble = ""
        return found

    def _remembered(self, query: Query) -> dict[Group, Point]:
        with self._lock:
            return self._memory.total(query)

    def samples(
        self, kind: str, *, since: float, limit: int, key: str | None = None
    ) -> Sequence[Sample]:
        """As a store's."""
        return self._store().samples(kind, key=key, since=since, limit=limit)

    def written_at(self) -> float | None:
        """As a store's."""
        return self._store().written_at()
