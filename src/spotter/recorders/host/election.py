"""One process of a host takes the host's readings: whoever holds the lock."""

from __future__ import annotations

import fcntl
import os
import pathlib
import tempfile


def shared_folder() -> pathlib.Path:
    """Where all processes of a user and host may write; memory, if no disk is writable."""
    try:
        return pathlib.Path(tempfile.gettempdir())
    except FileNotFoundError:
        return pathlib.Path("/dev/shm")  # noqa: S108 (nothing is opened there through a link)


class Post:
    """
    A post that one process of this user and host holds at a time.

    The kernel takes the lock back when the process ends, however it ends.
    """

    def __init__(self, name: str, folder: pathlib.Path | None = None) -> None:
        place = folder or shared_folder()
        self.path = place / f"spotter-{name}-{os.getuid()}.lock"
        self._descriptor: int | None = None
        self._pid = 0
        # A child shares the open file, and with it the lock: it would hold the post
        # for as long as it lives after the parent is gone.
        os.register_at_fork(after_in_child=self._let_go)

    def is_mine(self) -> bool:
        """Whether this process holds it, or could take it just now."""
        if self._descriptor is not None and self._pid == os.getpid():
            return True
        # Not through a symbolic link that somebody else put there.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor, self._pid = descriptor, os.getpid()
        return True

    def _let_go(self) -> None:
        """Close the parent's file; its lock stays the parent's."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def leave(self) -> None:
        """Let somebody else have it."""
        if self._descriptor is not None and self._pid == os.getpid():
            os.close(self._descriptor)
        self._descriptor = None
