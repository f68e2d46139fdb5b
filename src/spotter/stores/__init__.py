"""Where measurements are kept: a file, a PostgreSQL database, or memory."""

from __future__ import annotations

from spotter.exceptions import ConfigurationError
from spotter.stores.contract import Query, Store, StoreError

__all__ = ["Query", "Store", "StoreError", "open_store"]

#: RETURNING came with it.
SQLITE = (3, 35)


def open_store(url: str) -> Store:
    """
    Give the store that a URL names; nothing is opened before its first use.

    Args:
        url: `sqlite:///path/to/spotter.db`, `postgresql://user@host/database` or
            `memory://`.

    Raises:
        ConfigurationError: the URL names no store, or its driver is not installed or
            too old.
    """
    scheme, _, rest = str(url).partition("://")
    if scheme == "memory":
        return open_sqlite(":memory:")
    if scheme == "sqlite" and rest.startswith("/"):
        return open_sqlite(rest[1:])
    if scheme in ("postgresql", "postgres"):
        return open_postgresql(url)
    raise ConfigurationError(
        "SPOTTER['STORE'] names no store. Use sqlite:///path/to/spotter.db, "
        "postgresql://user@host/database or memory://."
    )


def open_sqlite(path: str) -> Store:
    """Give the embedded store, or say that this Python's SQLite is too old for it."""
    import sqlite3

    from spotter.stores.sqlite import SqliteStore

    if sqlite3.sqlite_version_info < SQLITE:
        raise ConfigurationError(
            f"The embedded store needs SQLite {'.'.join(map(str, SQLITE))}; this Python has "
            f"{sqlite3.sqlite_version}. Use a newer image of the system, or a PostgreSQL "
            "store: SPOTTER['STORE'] = 'postgresql://user@host/database'."
        )
    return SqliteStore(path)


def open_postgresql(url: str) -> Store:
    """Give the shared store, or say how to get its driver."""
    try:
        from spotter.stores.postgresql import PostgresqlStore
    except ImportError as error:
        raise ConfigurationError(
            "A PostgreSQL store needs psycopg: pip install 'django-spotter[postgresql]'."
        ) from error
    return PostgresqlStore(url)
