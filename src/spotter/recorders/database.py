"""Count and time the queries of a request, on every connection and thread."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from spotter.context import current
from spotter.rescue import is_ignoring


def count_query(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
) -> Any:
    """Run one query, and add it to the request in hand whether or not it fails."""
    request = current()
    if request is None or is_ignoring():
        return execute(sql, params, many, context)
    started = perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        # The sums are apart from the calls: an interpreter that switches threads
        # between reading and writing a total would lose another thread's query.
        seconds = perf_counter() - started
        request.db_queries += 1
        request.db_seconds += seconds


def watch_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Wrap a connection's queries; it keeps the wrapper when it reconnects."""
    if count_query not in connection.execute_wrappers:
        # First is outermost: it sees what the application asked for.
        connection.execute_wrappers.insert(0, count_query)


def install() -> None:
    """Watch every connection that is open and every one that will be, once."""
    connection_created.connect(watch_connection, dispatch_uid="spotter")
    for connection in connections.all(initialized_only=True):
        watch_connection(connection)
