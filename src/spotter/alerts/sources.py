"""Where the rules read: the store, or what the watcher itself remembers of it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence

from spotter.entries import Batch, Point, Sample
from spotter.stores.contract import LADDERS, Group, Query, Store, StoreError
from spotter.stores.schema import table
from spotter.stores.sqlite import MEMORY, SqliteStore

#: How long the watcher remembers what it measured itself: the longest that a rule asks.
REMEMBER_SECONDS = 3900.0
#: A store that takes longer to fail than this hangs, and is left alone for a while.
HANGING_SECONDS, LEFT_ALONE_SECONDS = 1.0, 15.0


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
        self._left_alone_until = float("-inf")

    def remember(self, batch: Batch) -> None:
        """Keep what this process measured."""
        with self._lock:
            self._memory.write(batch)

    def forget(self, now: float) -> None:
        """Keep no more than is asked for."""
        old = int(now - REMEMBER_SECONDS)
        with self._lock:
            with self._memory.transaction(write=True) as execute:
                for level in itertools.chain(*LADDERS):
                    execute(f"DELETE FROM {table(level)} WHERE starts_at < ?", (old,))  # noqa: S608 (names of ours)
                execute("DELETE FROM spotter_batches WHERE written_at < ?", (old,))
                execute("DELETE FROM spotter_samples WHERE at < ?", (old,))
            self._memory.trim(now)

    def total(self, query: Query) -> dict[Group, Point]:
        """As a store's; raises StoreError when nobody knows."""
        if self.is_cut_off and (remembered := self._remembered(query)):
            return remembered
        try:
            found = self._ask(query)
        except StoreError as error:
            self.trouble = str(error)
            remembered = self._remembered(query)
            if not remembered:
                raise
            return remembered
        self.trouble = ""
        return found

    def _ask(self, query: Query) -> dict[Group, Point]:
        """Ask the store; not each rule anew where one has just waited in vain."""
        started = time.monotonic()
        if started < self._left_alone_until:
            raise StoreError(self.trouble)
        try:
            return self._store().total(query)
        except StoreError:
            if time.monotonic() - started > HANGING_SECONDS:
                self._left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
            raise

    def _remembered(self, query: Query) -> dict[Group, Point]:
        with self._lock:
            return self._memory.total(query)

    def samples(
        self,
        kind: str,
        *,
        since: float,
        limit: int,
        key: str | None = None,
        weight: float = 0,
    ) -> Sequence[Sample]:
        """As a store's."""
        return self._store().samples(
            kind, key=key, since=since, limit=limit, weight=weight
        )

    def written_at(self) -> float | None:
        """As a store's."""
        return self._store().written_at()
