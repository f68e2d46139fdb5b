"""A log file that many processes write at once, losing and tearing nothing."""

from __future__ import annotations

import collections
import contextlib
import fcntl
import logging
import os
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from spotter.logs import archives

#: How long, and for how many lines, the open file is taken for the one of that name: to
#: look the name up costs as much as to write a line.
LOOK_SECONDS, LOOK_LINES = 0.01, 64
#: Lines that are kept to be written again while each look finds another file.
MAX_UNSEEN = 4096
#: Looks by which a handler that is closed makes sure of its last lines.
LAST_LOOKS = 20

_handlers: weakref.WeakSet[RotatingFile] = weakref.WeakSet()


def lost_lines() -> dict[str, int]:
    """Count the lines that this process could not write, by file."""
    counts: dict[str, int] = {}
    for handler in list(_handlers):
        name = str(handler.path)
        counts[name] = counts.get(name, 0) + handler.lost
    return counts


def look_again() -> None:
    """Look whether this process's last lines are where they are read, if it is idle."""
    for handler in list(_handlers):
        handler.look()


class RotatingFile(logging.Handler):
    """
    Append each record with one write; take a lock only to rotate, and never wait.

    An open file carries a shared lock for as long as it is open, so that an archive is
    compressed only when nobody can write into it any more. Another program may move the
    file away, read it to the end and delete it: the lines since the last look are kept,
    and written to the new file too, if need be twice rather than not at all. What cannot
    be written is counted (`lost_lines()`), told once on stderr, and told in the file
    itself when writing works again.

    Args:
        filename: the file; its directory is made when missing.
        max_bytes: the size beyond which it is rotated; 0 leaves that to others.
        backups: how many archives are kept, at least 1.
    """

    def __init__(
        self, filename: str | Path, max_bytes: int = 0, backups: int = 5
    ) -> None:
        super().__init__()
        self.path = Path(os.path.abspath(filename))
        self.max_bytes = max_bytes
        self.backups = max(1, backups)
        self.lost = 0
        #: As the kernel takes it: it is asked about at every line.
        self._file = os.fsencode(self.path)
        self._fd: int | None = None
        self._inode = (0, 0)
        self._size = 0
        self._look_at = 0.0
        #: Written since the name was last seen to be the open file's.
        self._unseen: collections.deque[bytes] = collections.deque(maxlen=MAX_UNSEEN)
        self._untold = 0
        self._reason = ""
        self._rotate_after = 0.0
        self._rotation_told = False
        _handlers.add(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line before returning."""
        try:
            line = self.encoded(record)
        except Exception:  # noqa: BLE001 (a log call must not fail; logging tells it)
            self.lose("it could not be formatted")
            self.handleError(record)
            return
        self.put(line)

    def put(self, line: bytes) -> None:
        """Write a line as it is, or count it; for whoever holds the handler's lock."""
        try:
            if self._untold:
                self.write(self.encoded(self.account()))
                self._untold = 0
            self.write(line)
        except OSError as error:
            self.lose(error.strerror or str(error))

    def encoded(self, record: logging.LogRecord) -> bytes:
        return self.format(record).encode("utf-8", "backslashreplace") + b"\n"

    def write(self, line: bytes) -> None:
        """Append a line to the file of that name."""
        now, fd, size = time.monotonic(), self._fd, len(line)
        unseen = self._unseen
        if (
            fd is None
            or now >= self._look_at
            or len(unseen) >= LOOK_LINES
            or 0 < self.max_bytes < self._size + size
        ):
            fd = self.current(size)
            self._look_at = now + LOOK_SECONDS
        self.append(fd, line)
        unseen.append(line)
        try:
            # After an append the position is the end, whoever else appends.
            self._size = os.lseek(fd, 0, os.SEEK_CUR)
        except OSError:
            pass  # A pipe has neither.

    def append(self, fd: int, line: bytes) -> None:
        written = os.write(fd, line)
        if written < len(line):
            self.blank(fd, written)
            raise OSError(0, "the disk is full, or the file at its limit")

    def look(self) -> None:
        """Look the name up now; what is not where it is read is written again."""
        self.acquire()
        try:
            if self._unseen:
                self.current(0)
        except OSError:
            pass  # It is kept until the next look.
        finally:
            self.release()

    def current(self, size: int) -> int:
        """Give the descriptor to write to: reopened, or rotated first, when due."""
        try:
            found = os.stat(self._file)
        except FileNotFoundError:
            return self.anew()
        except OSError:
            # The name cannot be looked up just now; the open file still works.
            return self.open() if self._fd is None else self._fd
        if self._fd is None or (found.st_ino, found.st_dev) != self._inode:
            return self.anew()
        self._unseen.clear()
        self._size = found.st_size
        due = 0 < self.max_bytes < found.st_size + size and found.st_size > 0
        return self.open() if due and self.rotate(size) else self._fd

    def anew(self) -> int:
        """Open the file that has the name now, with the lines that it may lack."""
        if self._fd is not None and self.is_archived(self._fd):
            self._unseen.clear()
        fd = self.open()
        try:
            for line in self._unseen:
                self.append(fd, line)
        except OSError:
            self.close_file()  # All of them again, rather than some of them never.
            raise
        if len(self._unseen) == MAX_UNSEEN:
            # The oldest makes room for the line that comes.
            self.lose("it is moved away faster than it is written")
        return fd

    def is_archived(self, fd: int) -> bool:
        """
        Whether an open file is an archive of ours, which waits for whoever has it open.

        Another program may have compressed it already, and be about to delete it.
        """
        if not os.fstat(fd).st_nlink:
            return False
        try:
            name = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            return False
        return archives.is_archive(self.path, Path(name))

    def open(self) -> int:
        """Open the file of that name, sure that it is not an archive by now."""
        self.close_file()
        for _ in range(20):
            fd = self.open_once()
            with contextlib.suppress(OSError):
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            self._fd = fd
            opened = os.fstat(fd)
            self._inode = (opened.st_ino, opened.st_dev)
            self._size = opened.st_size
            # Only now is it certain: with the lock held, and still of that name.
            with contextlib.suppress(FileNotFoundError):
                if os.stat(self._file).st_ino == opened.st_ino:
                    return fd
            self.close_file()
        raise OSError(0, "the file is moved away as fast as it is made")

    def open_once(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        try:
            return os.open(self._file, flags, 0o640)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._file, flags, 0o640)

    def blank(self, fd: int, size: int) -> None:
        """
        Make a blank line of one that was written in part.

        Truncating could cut another process's line, so the fragment is overwritten
        where it is; after an append the position is the end of what was appended.
        """
        end = os.lseek(fd, 0, os.SEEK_CUR)
        with contextlib.suppress(OSError):
            # Not the same descriptor: with O_APPEND Linux ignores pwrite's offset.
            plain = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY)
            try:
                os.pwrite(plain, b" " * (size - 1) + b"\n", end - size)
            finally:
                os.close(plain)

    def rotate(self, size: int) -> bool:
        """Rotate unless another process is at it; say whether the file is a new one."""
        if time.monotonic() < self._rotate_after:
            return False
        try:
            with lock(self.path.with_name(f".{self.path.stem}.lock")):
                if os.stat(self._file).st_size + size <= self.max_bytes:
                    return True
                archives.move_away(self.path, self.backups)
        except BlockingIOError:
            return False
        except FileNotFoundError:
            return True
        except OSError as error:
            self.postpone_rotation(error)
            return False
        self._rotation_told = False
        try:
            archives.compress_in_background(self.path)
        except RuntimeError:
            pass  # no thread at this moment; the next rotation compresses it
        return True

    def postpone_rotation(self, error: OSError) -> None:
        self._rotate_after = time.monotonic() + 1
        if not self._rotation_told:
            self._rotation_told = True
            tell(f"cannot rotate {self.path} ({error.strerror}); it grows until it can")

    def lose(self, reason: str) -> None:
        """Count a line that is lost; tell the first of them."""
        self.lost += 1
        self._untold += 1
        if self._untold == 1:
            self._reason = reason
            tell(
                f"cannot write {self.path} ({reason}); log lines are being lost and "
                "counted, the application goes on. Free the disk or mend the "
                "permissions: writing resumes by itself."
            )

    def account(self) -> logging.LogRecord:
        """Say how many lines are missing at this place of the file."""
        return logging.makeLogRecord(
            {
                "name": "spotter.logs",
                "levelno": logging.WARNING,
                "levelname": "WARNING",
                "msg": "%d lines of this process were lost here: %s",
                "args": (self._untold, self._reason),
            }
        )

    def close_file(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            # Frees the lock too, unless a forked child still has it open.
            os.close(fd)

    def close(self) -> None:
        """Close the file; a later record opens it again."""
        for _ in range(LAST_LOOKS):
            # What was written again may be where nobody reads it by now.
            self.look()
            if not self._unseen:
                break
        self.acquire()
        try:
            self.close_file()
        finally:
            self.release()
        super().close()

    def forget_parent(self) -> None:
        """Start anew in a forked child: own file, own lock, own counts."""
        self.close_file()
        self._unseen.clear()
        self.lost = self._untold = 0


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock file, or raise BlockingIOError at once when another does."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        # Not by closing alone: a child forked meanwhile has the descriptor too.
        fcntl.flock(fd, fcntl.LOCK_UN)
    finally:
        os.close(fd)


def tell(what: str) -> None:
    """Say it where a container's operator looks; never fail for it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"spotter: {what}\n")
        sys.stderr.flush()


def _forget_parent() -> None:
    for handler in list(_handlers):
        handler.forget_parent()


os.register_at_fork(after_in_child=_forget_parent)
