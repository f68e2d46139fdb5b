"""What a log and its archives hold: sizes, lines, levels and from when to when."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import re

from spotter.logs.reading.entries import entry
from spotter.logs.reading.files import Log
from spotter.logs.reading.pieces import (
    entries_of,
    newest_pieces,
    oldest_pieces,
    open_stream,
)

_LEVEL = re.compile(
    rb"^(?:\d{4}-\S+[ T]?\S*(?: Z)?\s+\[?(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b"
    rb'|\{[^\n]*?"(?:level|levelname|severity)"\s*:\s*"([A-Za-z]+)")',
    re.MULTILINE,
)
# How a file handler tells of what it could not write.
_LOST = re.compile(rb'"?\blost_(?:lines|records)"?[=:]\s*(\d+)')


@dataclasses.dataclass(slots=True, kw_only=True)
class Stats:
    """The totals of one log; sizes are bytes on disk."""

    name: str
    size: int = 0
    archives: int = 0
    lines: int = 0
    levels: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )
    oldest_at: datetime.datetime | None = None
    newest_at: datetime.datetime | None = None
    lost: int = 0

    def add(self, piece: bytes) -> None:
        """Add the lines of one piece."""
        self.lines += piece.count(b"\n")
        for text, document in _LEVEL.findall(piece):
            self.levels[(text or document).decode().upper()] += 1
        if b"lost_" in piece:
            self.lost += sum(int(number) for number in _LOST.findall(piece))
        self.widen(entry(piece[:4096], self.name).at)
        self.widen(entry(next(entries_of(piece[-(1 << 16) :]), b""), self.name).at)

    def widen(self, at: datetime.datetime | None) -> None:
        if at is None:
            return
        self.oldest_at = min(at, self.oldest_at or at)
        self.newest_at = max(at, self.newest_at or at)


def count(log: Log) -> Stats:
    """Read a log and its archives whole, and give the totals."""
    stats = Stats(name=log.path.name, archives=len(log.archives))
    for path in log.parts:
        stats.size += path.stat().st_size
        if path.suffix == ".gz":
            with open_stream(path) as stream:
                for piece in oldest_pieces(stream):
                    stats.add(piece)
        else:
            for piece in newest_pieces(path, None):
                stats.add(piece)
    return stats
