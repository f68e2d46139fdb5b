"""Connections of the backup's own, made by the application's settings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from trainerhub.lib.proof import Counts

#: Options with which a connection writes, waits for those who write, or is another's.
UNWANTED = ("init_command", "transaction_mode", "pool")


@contextlib.contextmanager
def connected(
    database: Mapping[str, Any], **changes: Any
) -> Iterator[BaseDatabaseWrapper]:
    """
    A connection as Django makes it, opened by its first use and closed at the end.

    `changes` replace settings, such as NAME. The application's own connection is not
    touched.
    """
    given = database.get("OPTIONS") or {}
    options = {name: value for name, value in given.items() if name not in UNWANTED}
    settings = {**database, "OPTIONS": options, **changes}
    connection = ConnectionHandler({DEFAULT_DB_ALIAS: settings})[DEFAULT_DB_ALIAS]
    try:
        yield connection
    finally:
        connection.close()


def count(connection: BaseDatabaseWrapper, tables: str) -> Counts:
    """The rows of each table that a query names, by the parts of its name."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(tables)
        for parts in cursor.fetchall():
            name = ".".join('"' + part.replace('"', '""') + '"' for part in parts)
            cursor.execute(f"SELECT COUNT(*) FROM {name}")  # noqa: S608 (the database's own names)
            found[".".join(parts)] = int(cursor.fetchone()[0])
    return found
