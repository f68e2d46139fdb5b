"""Count what a piece of work asked of its caches, by alias and by prefix of the key."""

from __future__ import annotations

import functools
import re
import sys

from spotter.entries import Point
from spotter.recording import Measures
from spotter.spans import CacheSpan

#: A key up to its first separator or digit; what follows is somebody's id.
PREFIX = re.compile(r"[A-Za-z_][A-Za-z_.-]{0,39}")
#: Characters of a key that are looked at.
MAX_KEY = 200
#: Keys whose prefix is remembered: those that every request asks for. Most are one
#: object's, and a quarter of a kilobyte each.
REMEMBERED = 512
#: For a key that is all one word, which may be a name or a token.
NO_PREFIX = "(none)"
#: For the time that keys of different prefixes took together.
SEVERAL = "(several)"
#: The rest of an e-mail address.
ADDRESS = re.compile(r"[\w.+%-]*(?:@|%40)")
#: The letters that a key has before a digit, and all that belongs to the same word.
LETTERS, WORD = re.compile(r"[A-Za-z]+$"), re.compile(r"[^\W_]*")
NUMBERED, HEXADECIMAL = re.compile(r"[A-Za-z]+\d+"), re.compile(r"[0-9A-Fa-f]{8,}")
#: No name is as long, whatever it is made of.
LONGEST_NAME = 30


class Lookups:
    """The points of what one alias found and did not find, of one prefix."""

    __slots__ = ("hits", "misses")

    def __init__(self, into: Measures, alias: str, prefix: str, at: float) -> None:
        self.hits, self.misses = (
            into.point(
                "spotter.cache.lookups",
                {"cache.alias": alias, "cache.prefix": prefix, "result": result},
                at,
            )
            for result in ("hit", "miss")
        )


class CachePoints:
    """The points of one operation on one alias and prefix, in one window."""

    __slots__ = ("duration", "lookups")

    def __init__(self, into: Measures, span: CacheSpan, prefix: str, at: float) -> None:
        labels = labels_of(span, prefix)
        self.duration: Point = into.point(
            "spotter.cache.operation.duration", labels, at
        )
        #: Made by the first lookup; most operations never are one.
        self.lookups: Lookups | None = None


def prefix_of(key: str) -> str:
    """What kind of key it is: its text before the first separator or digit."""
    return prefix_of_short(key[:MAX_KEY])


@functools.lru_cache(maxsize=REMEMBERED)
def prefix_of_short(key: str) -> str:
    """
    As `prefix_of`, remembered.

    A word that goes on with digits and more is a token, such as the key of a session
    that Django writes right behind "django.contrib.sessions.cache": none of it is told,
    and each of them would be a series.
    """
    found = PREFIX.match(key)
    if found is None or found.end() == len(key) or ADDRESS.match(key, found.end()):
        return NO_PREFIX
    prefix = found[0]
    letters = LETTERS.search(prefix)
    if letters is not None and is_token(letters[0], WORD.match(key, found.end())):
        prefix = prefix[: letters.start()]
    return sys.intern(prefix.rstrip("_.-")) or NO_PREFIX


def is_token(letters: str, rest: re.Match[str] | None) -> bool:
    """Whether a word is somebody's, and no name with at most a number behind it."""
    if rest is None or not rest[0]:
        return False
    word = letters + rest[0]
    if len(word) > LONGEST_NAME:
        return True
    return NUMBERED.fullmatch(word) is None or HEXADECIMAL.fullmatch(word) is not None


def measure_cache(span: CacheSpan, into: Measures, at: float) -> None:
    """Add one operation to its points."""
    prefix = prefix_of_span(span)
    key = (CachePoints, span.alias, prefix, span.operation)
    points = into.keep(key, at, CachePoints, into, span, prefix, at)
    points.duration.note(span.seconds)
    if prefix == SEVERAL:
        for head, (hits, misses) in span.shares.items():
            if hits or misses:
                look_up(lookups(span, prefix_of(head), into, at), hits, misses)
    elif span.hits or span.misses:
        if points.lookups is None:
            points.lookups = lookups(span, prefix, into, at)
        look_up(points.lookups, span.hits, span.misses)
    if span.error:
        labels = labels_of(span, prefix) | {"error.type": span.error}
        into.point("spotter.cache.errors", labels, at).add(1)


def labels_of(span: CacheSpan, prefix: str) -> dict[str, str]:
    """What an operation is told by, whether it went well or not."""
    return {
        "cache.alias": span.alias,
        "cache.prefix": prefix,
        "operation": span.operation,
    }


def lookups(span: CacheSpan, prefix: str, into: Measures, at: float) -> Lookups:
    """The points of what was looked up, whichever operation did."""
    key = (Lookups, span.alias, prefix)
    return into.keep(key, at, Lookups, into, span.alias, prefix, at)


def look_up(points: Lookups, hits: int, misses: int) -> None:
    """Add what was found, and what was not."""
    if hits:
        points.hits.add(hits)
    if misses:
        points.misses.add(misses)


def prefix_of_span(span: CacheSpan) -> str:
    """The prefix of the key, or of all the keys; SEVERAL where they differ."""
    shares = getattr(span, "shares", None)
    if not shares:
        return prefix_of(span.key)
    prefixes = {prefix_of(head) for head in shares}
    return prefixes.pop() if len(prefixes) == 1 else SEVERAL
