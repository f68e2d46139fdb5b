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
#: The rest of an e-mail address.
ADDRESS = re.compile(r"[\w.+%-]*(?:@|%40)")
#: The letters that a key has before a digit, and all that belongs to the same word.
LETTERS, WORD = re.compile(r"[A-Za-z]+$"), re.compile(r"[^\W_]*")
NUMBERED, HEXADECIMAL = re.compile(r"[A-Za-z]+\d+"), re.compile(r"[0-9A-Fa-f]{8,}")
#: No name is as long, whatever it is made of.
LONGEST_NAME = 30


class CachePoints:
    """The points of one operation on one alias and prefix, in one window."""

    __slots__ = ("duration", "hits", "misses")

    def __init__(self, into: Measures, span: CacheSpan, prefix: str, at: float) -> None:
        alias = span.alias
        self.duration: Point = into.point(
            "spotter.cache.operation.duration",
            {"cache.alias": alias, "operation": span.operation},
            at,
        )
        self.hits, self.misses = (
            into.point(
                "spotter.cache.lookups",
                {"cache.alias": alias, "cache.prefix": prefix, "result": result},
                at,
            )
            for result in ("hit", "miss")
        )


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
    prefix = prefix_of(span.key)
    key = (CachePoints, span.alias, prefix, span.operation)
    points = into.keep(key, at, CachePoints, into, span, prefix, at)
    points.duration.note(span.seconds)
    if span.hits:
        points.hits.add(span.hits)
    if span.misses:
        points.misses.add(span.misses)
    if span.error:
        labels = {"cache.alias": span.alias, "error.type": span.error}
        into.point("spotter.cache.errors", labels, at).add(1)
