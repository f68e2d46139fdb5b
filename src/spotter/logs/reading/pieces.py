"""Read a file in large pieces of whole entries, from its end or from its start."""

from __future__ import annotations

import datetime
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from spotter.logs.reading.times import DISORDER, starts_entry, time_of

PIECE_BYTES = 1 << 20
#: More than this without the beginning of an entry is not one entry.
MAX_ENTRY_BYTES = 4 << 20

# Led by the newline, which the regex engine finds fast.
_ENTRY_AFTER = re.compile(rb"\n(?=\{|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)")


def newest_pieces(path: Path, since: datetime.datetime | None) -> Iterator[bytes]:
    """
    Give a plain file piece by piece, the last first, as far back as `since`.

    What comes before the first entry of a piece belongs to the entry before it, and
    is kept for the piece that holds the beginning.
    """
    with path.open("rb") as file:
        start = offset_of(file, since - DISORDER) if since else 0
        end = file.seek(0, os.SEEK_END)
        rest = b""
        while end > start:
            size = min(PIECE_BYTES, end - start)
            end -= size
            file.seek(end)
            block = file.read(size) + rest
            rest = b""
            cut = first_entry(block) if end > start else 0
            if cut is None and len(block) < MAX_ENTRY_BYTES:
                rest = block
                continue
            # A file of another format is cut at a line.
            cut = block.find(b"\n") + 1 if cut is None else cut
            rest, piece = block[:cut], block[cut:]
            yield piece


def first_entry(block: bytes) -> int | None:
    """
    Give where the first whole entry of a block begins, if one does.

    Its first line may be the end of one that began before the block.
    """
    match = _ENTRY_AFTER.search(block)
    return match.end() if match else None


def oldest_pieces(file: gzip.GzipFile) -> Iterator[bytes]:
    """Give a compressed archive piece by piece, from its start."""
    rest = b""
    while block := read_block(file):
        block = rest + block
        cut = last_entry(block)
        if cut == 0 and len(block) < MAX_ENTRY_BYTES:
            rest = block
            continue
        cut = cut or block.rfind(b"\n") + 1 or len(block)
        rest = block[cut:]
        yield block[:cut]
    if rest:
        yield rest


def read_block(file: gzip.GzipFile) -> bytes:
    """Read on; an archive that is still being written, or is torn, just ends."""
    parts: list[bytes] = []
    size = 0
    try:
        # read1, as read would throw away what came before the torn end.
        while size < PIECE_BYTES and (part := file.read1(PIECE_BYTES - size)):
            parts.append(part)
            size += len(part)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        pass  # what was read before it is given
    return b"".join(parts)


def last_entry(block: bytes) -> int:
    """Give where the last entry of a block begins; 0 when it is the only one."""
    # Only the end is looked at first: entries are much shorter than a piece.
    for back in (1 << 14, len(block)):
        start = max(0, len(block) - back)
        found = [match.end() for match in _ENTRY_AFTER.finditer(block, start)]
        if found:
            return found[-1]
    return 0


def entries_of(piece: bytes) -> Iterator[bytes]:
    """Cut a piece into its entries, the last first."""
    end = len(piece)
    starts = [match.end() for match in _ENTRY_AFTER.finditer(piece)]
    if starts_entry(piece[:40]):
        starts.insert(0, 0)
    for start in reversed(starts):
        yield piece[start:end]
        end = start
    # What no entry begins: a file of another format, taken line by line.
    yield from reversed(piece[:end].splitlines(keepends=True))


def entry_at(piece: bytes, position: int) -> tuple[int, int]:
    """Give where the entry around a position begins and ends."""
    after = _ENTRY_AFTER.search(piece, position)
    end = after.end() if after else len(piece)
    line = start = piece.rfind(b"\n", 0, position) + 1
    while start > 0 and not starts_entry(piece[start : start + 40]):
        start = piece.rfind(b"\n", 0, start - 1) + 1
    if starts_entry(piece[start : start + 40]):
        return start, end
    newline = piece.find(b"\n", position, end)
    return line, newline + 1 if newline >= 0 else end


def open_stream(path: Path) -> gzip.GzipFile:
    """Open a compressed archive to be read from its start."""
    return gzip.GzipFile(path)


def offset_of(file: BinaryIO, at: datetime.datetime) -> int:
    """Give where the lines written at an instant begin, by halving the file."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > PIECE_BYTES // 16:
        middle = (low + high) // 2
        found = time_after(file, middle, high)
        if found is None or found >= at:
            high = middle
        else:
            low = middle
    return line_start(file, low)


def time_after(file: BinaryIO, position: int, end: int) -> datetime.datetime | None:
    """Give the time of the first line after a position that has one."""
    file.seek(position)
    file.readline()
    while file.tell() < end:
        line = file.readline(MAX_ENTRY_BYTES)
        if not line:
            return None
        if at := time_of(line):
            return at
    return None


def line_start(file: BinaryIO, position: int) -> int:
    """Give where the first line after a position begins; the start of the file is 0."""
    if position == 0:
        return 0
    file.seek(position)
    file.readline()
    return file.tell()
