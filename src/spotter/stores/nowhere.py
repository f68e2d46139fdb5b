"""What stands for a store where the settings name none that there is."""

from __future__ import annotations

import contextlib

from spotter.stores.contract import Level, StoreError
from spotter.stores.schema import Execute
from spotter.stores.sql import SqlStore


class NoStore(SqlStore):
    """
    Fails whatever it is asked, as a store does that can't be reached.

    Args:
        reason: what is wrong with the settings, and what to do.
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def transaction(self, *, write: bool) -> contextlib.AbstractContextManager[Execute]:
        raise self.failure()

    def size(self) -> int:
        raise self.failure()

    def close(self) -> None:
        """Nothing was opened."""

    def buckets_of(self, execute: Execute, where: str) -> dict[int, bytes]:
        raise self.failure()

    def look_up(self, level: Level, columns: str, starts: str, which: str) -> str:
        raise self.failure()

    def failure(self) -> StoreError:
        """What whoever asks is told."""
        return StoreError(self.reason, retry=False)
