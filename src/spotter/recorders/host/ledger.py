"""What the processes of one host know together, in a small file that outlives each."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import time
from collections.abc import Iterator
from typing import Any

from spotter.recorders.host.election import shared_folder

#: More than this is not ours.
MAX_BYTES = 256 * 1024


class Ledger:
    """
    A few facts of one user, host and store; one process at a time reads and writes.

    What is lost, or is no JSON any more, is begun anew.
    """

    def __init__(self, name: str, folder: pathlib.Path | None = None) -> None:
        place = folder or shared_folder()
        self.path = place / f"spotter-{name}-{os.getuid()}.json"

    @contextlib.contextmanager
    def page(self, wait_seconds: float = 0.0) -> Iterator[dict[str, Any] | None]:
        """What is written there, to be changed; None while somebody else is at it."""
        # Not through a symbolic link that somebody else put there.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            if not locked(descriptor, wait_seconds):
                yield None
                return
            try:
                page = parsed(os.pread(descriptor, MAX_BYTES, 0))
                yield page
                text = json.dumps(page).encode()
                if len(text) <= MAX_BYTES:
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, text, 0)
            finally:
                # By name: a child that was forked meanwhile has the file open too.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)


def locked(descriptor: int, wait_seconds: float) -> bool:
    """Whether the file could be locked, at once or after a short wait."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        else:
            return True


def parsed(data: bytes) -> dict[str, Any]:
    """The facts, or none."""
    try:
        page = json.loads(data)
    except ValueError:
        return {}
    return page if isinstance(page, dict) else {}
