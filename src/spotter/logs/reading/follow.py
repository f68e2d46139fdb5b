"""Follow logs as they grow, across rotation, truncation and files yet to come."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from spotter.logs.reading.entries import Entry, entry
from spotter.logs.reading.files import Log
from spotter.logs.reading.times import starts_entry


class Follower:
    """One log file, followed by its name: what `tail -F` does."""

    def __init__(self, path: Path, *, from_start: bool = False) -> None:
        self.path = path
        self.file: BinaryIO | None = None
        self.seen: set[int] = set()
        self.rest = b""
        self.open(at_end=not from_start)
        # Archives of before are not new, whatever name they are moved to.
        self.seen.update(inode for inode, _ in self.archives())

    def open(self, *, at_end: bool = False) -> None:
        """Open what has the name now, if anything does."""
        self.rest = b""
        try:
            self.file = self.path.open("rb")
        except OSError:
            self.file = None
            return
        self.seen.add(os.fstat(self.file.fileno()).st_ino)
        if at_end:
            self.file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Stop following."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def archives(self) -> Iterator[tuple[int, Path]]:
        """Give the archives that are not compressed (yet), with their inodes."""
        try:
            for path in self.path.parent.glob(f"{self.path.name}.[0-9]*"):
                if path.suffix != ".gz":
                    yield path.stat().st_ino, path
        except FileNotFoundError:
            return

    def read(self) -> Iterator[Entry]:
        """Give what has been written since the last time."""
        if self.file is None:
            self.open()
        yield from self.read_open()
        if self.file is not None and self.has_moved():
            yield from self.read_open()  # what was written until it moved
            self.close()
            yield from self.read_between()
            self.open()
            yield from self.read_open()

    def read_open(self) -> Iterator[Entry]:
        if self.file is None:
            return
        if os.fstat(self.file.fileno()).st_size < self.file.tell():
            self.file.seek(0)  # truncated, by copytruncate or by hand
        lines = self.rest + self.file.read()
        complete = lines.rfind(b"\n") + 1
        self.rest = lines[complete:]
        yield from grouped(lines[:complete], self.path.name)

    def read_between(self) -> Iterator[Entry]:
        """Give what was written and rotated away between two looks."""
        new = [(path.stat().st_mtime, inode, path) for inode, path in self.archives()]
        for _, inode, path in sorted(new):
            if inode not in self.seen and inode != self.current_inode():
                self.seen.add(inode)
                yield from grouped(path.read_bytes(), self.path.name)

    def current_inode(self) -> int | None:
        try:
            return self.path.stat().st_ino
        except OSError:
            return None

    def has_moved(self) -> bool:
        assert self.file is not None  # noqa: S101 (read() looked)
        return self.current_inode() not in (
            None,
            os.fstat(self.file.fileno()).st_ino,
        )


def grouped(lines: bytes, file: str) -> Iterator[Entry]:
    """Cut what was read into entries, the first first."""
    held = b""
    for line in lines.splitlines(keepends=True):
        if held and starts_entry(line):
            yield entry(held, file)
            held = b""
        held += line
    if held:
        yield entry(held, file)


def follow(
    find: Callable[[], list[Log]], wait: Callable[[], None], logs: list[Log]
) -> Generator[Entry, None, None]:
    """
    Give new entries for ever, from the moment of this call.

    Args:
        find: gives the logs there are; asked each time, since more may come.
        wait: called when there is nothing more to read for now.
        logs: those there are now, of which only what is added is given.
    """
    followers = {log.path: Follower(log.path) for log in logs}
    return keep_reading(followers, find, wait)


def keep_reading(
    followers: dict[Path, Follower],
    find: Callable[[], list[Log]],
    wait: Callable[[], None],
) -> Generator[Entry, None, None]:
    try:
        while True:
            for log in find():
                if log.path not in followers:
                    followers[log.path] = Follower(log.path, from_start=True)
            for follower in followers.values():
                yield from follower.read()
            wait()
    finally:
        for follower in followers.values():
            follower.close()
