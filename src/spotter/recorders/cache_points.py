"""Count what a piece of work asked of its caches, by alias and by prefix of the key."""

from __future__ import annotations

import functools
import re

from spotter.entries import Point
from spotter.recording import Measures
from spotter.spans import CacheSpan

#: A key up to its first separator or digit; what follows is somebody's id.
PREFIX = re.compile(r"[A-Za-z_][A-Za-z_.-]{0,39}")
#: For a key that is all one word, which may be a name or a token.
NO_PREFIX = "(none)"


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


@functools.lru_cache(maxsize=4096)
def prefix_of(key: str) -> str:
    """What kind of key it is: its text before the first separator or digit."""
    found = PREFIX.match(key)
    if found is None:
        return NO_PREFIX
    prefix = found[0].rstrip("_.-")
    return prefix if len(found[0]) < len(key) else NO_PREFIX


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
