"""Search logs from the newest entry backwards, reading as little as will do."""

from __future__ import annotations

import dataclasses
import datetime
import heapq
import re
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

from spotter.logs.reading.entries import Entry, entry
from spotter.logs.reading.files import Log, modified_at
from spotter.logs.reading.pieces import (
    entries_of,
    entry_at,
    newest_pieces,
    oldest_pieces,
    open_stream,
)
from spotter.logs.reading.times import DISORDER

#: Matches kept of one compressed archive, which can only be read from its start.
MAX_KEPT = 100_000
_EARLIEST = datetime.datetime.min.replace(tzinfo=datetime.UTC)
# What stands in a file as it was given, whether in text or in JSON.
_PLAIN = re.compile(r"[A-Za-z0-9_ .:/@+-]+")
_IMPORTANT = {
    30: rb"WARNING|ERROR|CRITICAL",
    40: rb"ERROR|CRITICAL",
    50: rb"CRITICAL",
}


#: Gives where something is in a piece, from a position on; -1 when it is not.
Needle = Callable[[bytes, int], int]


def finder(word: bytes) -> Needle:
    """Find a word; several times faster than a pattern of it would."""
    return lambda piece, start: piece.find(word, start)


def pattern_finder(pattern: bytes) -> Needle:
    search = re.compile(pattern).search

    def find(piece: bytes, start: int) -> int:
        match = search(piece, start)
        return match.start() if match else -1

    return find


@dataclasses.dataclass(slots=True)
class Limit:
    """
    How long a search may read, for who cannot wait, and what it left unread.

    Args:
        until: when it stops, by time.monotonic(). A piece of each log is read anyway.
        back_to: all that is newer was read; None where that is not known.
        unreadable: files that could not be read, each with why.
    """

    until: float
    is_cut: bool = False
    back_to: datetime.datetime | None = None
    unreadable: list[str] = dataclasses.field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until

    def cut(self, back_to: datetime.datetime | None) -> None:
        """One of the logs was read back to here, and no further."""
        self.is_cut = True
        known = [at for at in (self.back_to, back_to) if at is not None]
        self.back_to = max(known, default=None)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to look for; an empty condition matches everything."""

    text: str = ""
    regex: re.Pattern[str] | None = None
    level_number: int = 0
    logger: str = ""
    request_id: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None

    def needles(self) -> list[Needle]:
        """
        What the bytes of every match contain.

        A piece without them is passed over unread. JSON may write a text otherwise
        than it was given, and then there is no telling from the bytes.
        """
        words = [self.request_id, self.text, *(value for _, value in self.fields)]
        finders = [finder(w.encode()) for w in words if _PLAIN.fullmatch(w)]
        if self.level_number in _IMPORTANT:
            finders.append(pattern_finder(_IMPORTANT[self.level_number]))
        return finders

    def matches(self, found: Entry) -> bool:
        """Whether an entry is what is looked for."""
        return (
            self.in_time(found)
            and found.level_number >= self.level_number
            and is_under(found.logger, self.logger)
            and (not self.text or self.text in content(found))
            and (self.regex is None or self.regex.search(content(found)) is not None)
            and (not self.request_id or is_of_request(found, self.request_id))
            and all(found.field(name) == value for name, value in self.fields)
        )

    def in_time(self, found: Entry) -> bool:
        if self.since is None and self.until is None:
            return True
        if found.at is None:
            return False
        after = self.since is None or found.at >= self.since
        return after and (self.until is None or found.at < self.until)


def content(found: Entry) -> str:
    """What a text is looked for in: the line, and what its JSON stands for."""
    if found.document is None:
        return found.text
    values = (str(value) for value in found.document.values())
    return "\n".join((found.text, *values))


def is_under(logger: str, wanted: str) -> bool:
    """Whether a logger is the wanted one or one of its children."""
    return not wanted or logger == wanted or logger.startswith(f"{wanted}.")


def is_of_request(found: Entry, request_id: str) -> bool:
    """Whether an entry belongs to a request; a torn one that names it does too."""
    known = found.field("request_id")
    if known is not None:
        return request_id in (known, found.field("trace_id"))
    return request_id in found.text


def search(
    logs: Sequence[Log], query: Query, limit: Limit | None = None
) -> Iterator[Entry]:
    """
    Give the matching entries of all logs, the newest first.

    Args:
        limit: ends it early and notes what could not be read; None reads everything.

    Raises:
        OSError: a file cannot be read, and there is no limit to note it.
    """
    return heapq.merge(
        *(search_log(log, query, limit) for log in logs), key=written_at, reverse=True
    )


def written_at(found: Entry) -> datetime.datetime:
    return found.at or _EARLIEST


def search_log(log: Log, query: Query, limit: Limit | None = None) -> Iterator[Entry]:
    """Give the matching entries of one log and its archives, the newest first."""
    for number, path in enumerate(log.parts):
        since = query.since
        if since and modified_at(path) < (since - DISORDER).timestamp():
            return  # so were all that are older
        if number and limit is not None and limit.is_over:
            limit.cut(last_written(path))
            return
        try:
            if (yield from search_file(path, query, limit)):
                return
        except FileNotFoundError:
            continue  # rotated away while this was read
        except OSError as error:
            if limit is None:
                raise
            limit.unreadable.append(f"{path.name}: {error.strerror}")


def search_file(
    path: Path, query: Query, limit: Limit | None = None
) -> Generator[Entry, None, bool]:
    """Give the matching entries of one file, the newest first; then, whether it was cut."""
    if path.suffix == ".gz":
        return (yield from search_archive(path, query, limit))
    needles = query.needles()
    before = b""
    for piece in newest_pieces(path, query.since):
        if before and limit is not None and limit.is_over:
            limit.cut(entry(before[:4096], path.name).at)
            return True
        for raw in candidates(piece, needles):
            found = entry(raw, path.name)
            if query.matches(found):
                yield found
        before = piece
    return False


def search_archive(
    path: Path, query: Query, limit: Limit | None = None
) -> Generator[Entry, None, bool]:
    """Give those of a compressed archive, which is read once, from its start."""
    kept: deque[Entry] = deque(maxlen=MAX_KEPT)
    needles = query.needles()
    is_cut = False
    with open_stream(path) as stream:
        for number, piece in enumerate(oldest_pieces(stream)):
            if number and limit is not None and limit.is_over:
                # What is newest in it was not read.
                limit.cut(last_written(path))
                is_cut = True
                break
            if is_later(piece, path.name, query.until):
                break
            for raw in reversed(list(candidates(piece, needles))):
                found = entry(raw, path.name)
                if query.matches(found):
                    kept.append(found)
    yield from reversed(kept)
    return is_cut


def last_written(path: Path) -> datetime.datetime:
    """When a file was last written."""
    return datetime.datetime.fromtimestamp(modified_at(path), datetime.UTC)


def is_later(piece: bytes, file: str, until: datetime.datetime | None) -> bool:
    """Whether a piece, and all that follow it, was written after what is wanted."""
    if until is None:
        return False
    at = entry(piece[:4096], file).at
    return at is not None and at > until + DISORDER


def candidates(piece: bytes, needles: list[Needle]) -> Iterator[bytes]:
    """Give the entries of a piece that may match, the last first."""
    if not needles:
        yield from entries_of(piece)
        return
    if any(find(piece, 0) < 0 for find in needles):
        return
    find = needles[0]
    spans: list[tuple[int, int]] = []
    found = find(piece, 0)
    while found >= 0:
        spans.append(entry_at(piece, found))
        found = find(piece, max(spans[-1][1], found + 1))
    for start, end in reversed(spans):
        yield piece[start:end]
