"""What a request, task or command waited for: one span a query, lookup or call."""

from __future__ import annotations

from typing import Any

#: `file:line function` in pieces, so that only who shows it pays for joining them.
Site = tuple[str, int, str]


class QuerySpan:
    """One query; fetching adds to `seconds` and `rows` after it was captured."""

    __slots__ = (
        "alias",
        "error",
        "many",
        "parameters",
        "rows",
        "seconds",
        "site",
        "sql",
        "started",
        "told",
        "vendor",
    )

    def __init__(self, started: float, sql: str, alias: str, vendor: str) -> None:
        self.started = started
        self.seconds = 0.0
        self.sql = sql
        self.alias = alias
        self.vendor = vendor
        self.rows = -1
        self.many = False
        self.error = ""
        self.site: Site | None = None
        #: A hash of the parameters; what they were is nobody's business. None where it
        #: was not worth making one, as for a text's first time.
        self.parameters: int | None = None
        #: What the ORM was doing, found out once for a statement that comes again.
        self.told: Any = None


class CacheSpan:
    """One operation on a cache."""

    __slots__ = (
        "alias",
        "error",
        "hits",
        "key",
        "misses",
        "operation",
        "seconds",
        "shares",
        "started",
    )

    #: Hits and misses by the beginning of the key; set where there are many keys alone.
    shares: dict[str, list[int]]

    def __init__(self, started: float, operation: str, alias: str, key: str) -> None:
        self.started = started
        self.seconds = 0.0
        self.operation = operation
        self.alias = alias
        #: The first key; only its prefix is ever kept.
        self.key = key
        self.hits = 0
        self.misses = 0
        self.error = ""


class HttpSpan:
    """One request to another server."""

    __slots__ = ("error", "host", "method", "seconds", "started", "status")

    def __init__(self, started: float, method: str, host: str) -> None:
        self.started = started
        self.seconds = 0.0
        self.method = method
        self.host = host
        self.status = 0
        self.error = ""


Span = QuerySpan | CacheSpan | HttpSpan
