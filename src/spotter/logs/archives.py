"""What a rotated log becomes: named for its instant, compressed later, counted."""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import gzip
import os
import re
import shutil
import threading
from pathlib import Path

_STAMP = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
_FORMAT = "%Y%m%dT%H%M%S.%fZ"

# Of compressions in progress in this process; a forked child closes its copies, which
# would otherwise keep the parent's lock alive.
_compressing: set[int] = set()


def stamps_of(path: Path) -> list[str]:
    """Give the instants of a log's archives, the oldest first."""
    found = set()
    with os.scandir(path.parent) as entries:
        for entry in entries:
            rest = entry.name.removeprefix(f"{path.name}.").removesuffix(".gz")
            if rest != entry.name and _STAMP.fullmatch(rest):
                found.add(rest)
    return sorted(found)


def is_archive(path: Path, name: Path) -> bool:
    """Whether a file is an archive of a log that is not compressed yet."""
    rest = name.name.removeprefix(f"{path.name}.")
    return bool(_STAMP.fullmatch(rest)) and name.parent == path.parent.resolve()


def plain(path: Path, stamp: str) -> Path:
    """Give where the archive of an instant is before it is compressed."""
    return path.with_name(f"{path.name}.{stamp}")


def packed(path: Path, stamp: str) -> Path:
    """Give where the archive of an instant is once it is compressed."""
    return path.with_name(f"{path.name}.{stamp}.gz")


def unfinished(path: Path, stamp: str) -> Path:
    """Give where it is being compressed; not `*.log.*`, so that no reader takes it."""
    return path.with_name(f".{path.stem}.{stamp}.tmp")


def next_stamp(taken: list[str]) -> str:
    """Give an instant later than all taken, even when the clock was put back."""
    now = datetime.datetime.now(datetime.UTC)
    if taken:
        last = datetime.datetime.fromisoformat(taken[-1])
        now = max(now, last + datetime.timedelta(microseconds=1))
    return now.strftime(_FORMAT)


def move_away(path: Path, backups: int) -> None:
    """Archive a live log and delete the oldest archives; call under the log's lock."""
    taken = stamps_of(path)
    stamp = next_stamp(taken)
    os.rename(path, plain(path, stamp))
    taken.append(stamp)
    for old in taken[: max(0, len(taken) - backups)]:
        for name in (plain(path, old), packed(path, old)):
            name.unlink(missing_ok=True)


def compress_in_background(path: Path) -> None:
    """Compress in a thread of its own: ten megabytes take a third of a second."""
    threading.Thread(
        target=compress_all, args=(path,), name="spotter-archive", daemon=True
    ).start()


def compress_all(path: Path) -> None:
    """
    Compress every archive but the newest that no process can write into any more.

    What cannot be compressed now (still open somewhere, disk full) stays as it is and
    is tried again at the next rotation.
    """
    with contextlib.suppress(OSError):
        stamps = stamps_of(path)
        remove_orphans(path, set(stamps))
        for stamp in stamps[:-1]:
            with contextlib.suppress(OSError):
                compress(path, stamp)


def remove_orphans(path: Path, stamps: set[str]) -> None:
    for file in path.parent.glob(f".{path.stem}.*.tmp"):
        stamp = file.name.removeprefix(f".{path.stem}.").removesuffix(".tmp")
        if _STAMP.fullmatch(stamp) and stamp not in stamps:
            file.unlink(missing_ok=True)


def compress(path: Path, stamp: str) -> None:
    """
    Replace a plain archive by a compressed one of the same age.

    Raises:
        BlockingIOError: a process has it open and may still write into it.
        FileNotFoundError: it is compressed already, or gone.
    """
    source = plain(path, stamp)
    fd = os.open(source, os.O_RDONLY)
    _compressing.add(fd)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another process may have finished it since it was opened.
        if os.stat(source).st_ino != os.fstat(fd).st_ino:
            raise FileNotFoundError(errno.ENOENT, "replaced meanwhile", source)
        pack(fd, unfinished(path, stamp))
        os.replace(unfinished(path, stamp), packed(path, stamp))
        try:
            source.unlink()
        except FileNotFoundError:
            # Deleted as the oldest meanwhile: then it is not to come back.
            packed(path, stamp).unlink(missing_ok=True)
    finally:
        _compressing.discard(fd)
        os.close(fd)


def pack(fd: int, target: Path) -> None:
    """Write the compressed copy, whole and on disk, or leave nothing."""
    try:
        with open(fd, "rb", closefd=False) as plain_file, target.open("wb") as file:
            with gzip.GzipFile("", "wb", 6, file) as compressed:
                shutil.copyfileobj(plain_file, compressed, 256 * 1024)
            file.flush()
            os.fsync(file.fileno())
        was = os.fstat(fd)
        os.chmod(target, was.st_mode & 0o777)
        # The age decides when `find -mtime +30` deletes it.
        os.utime(target, ns=(was.st_atime_ns, was.st_mtime_ns))
    except OSError:
        target.unlink(missing_ok=True)
        raise


def _forget_parents_work() -> None:
    for fd in _compressing:
        os.close(fd)
    _compressing.clear()


os.register_at_fork(after_in_child=_forget_parents_work)
