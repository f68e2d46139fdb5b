"""The snapshot that every visitor is shown: however many come, the store is asked once."""

from __future__ import annotations

import logging
import threading
import time

from spotter.rescue import ignore
from spotter.statuspage.page import StatusPage
from spotter.statuspage.reading import blind, read
from spotter.statuspage.snapshot import Snapshot
from spotter.stores.contract import StoreError
from spotter.stores.current import store_for_reading

logger = logging.getLogger("spotter.statuspage")

KEEP_SECONDS = 15.0
#: How long the first visitors wait for each other.
WAIT_SECONDS = 5.0


class Kept:
    """
    One process's snapshot.

    While one visitor's request reads a new one, the others are shown the old one. When
    the store can't be read nobody tries again before the time is over.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._page: StatusPage | None = None
        self._good: Snapshot | None = None
        self._shown: Snapshot | None = None
        self._due = 0.0

    def snapshot(self, page: StatusPage) -> Snapshot:
        """What to show."""
        shown = self._shown
        is_same = self._page is page
        if shown is not None and is_same and time.monotonic() < self._due:
            return shown
        wait = 0.0 if shown is not None and is_same else WAIT_SECONDS
        if not self._lock.acquire(timeout=wait):
            return shown or blind(page, None, time.time())
        try:
            if self._page is page and time.monotonic() < self._due and self._shown:
                return self._shown
            return self._renew(page)
        finally:
            self._lock.release()

    def _renew(self, page: StatusPage) -> Snapshot:
        if self._page is not page:
            self._page, self._good = page, None
        now = time.time()
        try:
            with ignore():
                self._good = made = read(page, store_for_reading(), now)
        except StoreError as error:
            logger.warning("the status page can't read the store: %s", error)
            made = blind(page, self._good, now)
        self._shown, self._due = made, time.monotonic() + KEEP_SECONDS
        return made


kept = Kept()
