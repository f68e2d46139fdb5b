"""Where measurements are kept: a file, a PostgreSQL database, or memory."""

from __future__ import annotations

from spotter.exceptions import ConfigurationError
from spotter.stores.contract import Query, Store, StoreError

__all__ = ["Query", "Store", "StoreError", "open_store"]


def open_store(url: str) -> Store:
    """
    Give the store that a URL names; nothing is opened before its first use.

    Args:
        url: `sqlite:///path/to/spotter.db`, `postgresql://user@host/database` or
            `memory://`.

    Raises:
        ConfigurationError: the URL names no store, or its driver is not installed.
    """
    scheme, _, rest = str(url).partition("://")
    if scheme == "memory":
        from spotter.stores.sqlite import MEMORY, SqliteStore

        return SqliteStore(MEMORY)
    if scheme == "sqlite" and rest.startswith("/"):
        from spotter.stores.sqlite import SqliteStore

        return SqliteStore(rest[1:])
    if scheme in ("postgresql", "postgres"):
        return open_postgresql(url)
    raise ConfigurationError(
        "SPOTTER['STORE'] names no store. Use sqlite:///path/to/spotter.db, "
        "postgresql://user@host/database or memory://."
    )


def open_postgresql(url: str) -> Store:
    """Give the shared store, or say how to get its driver."""
    try:
        from spotter.stores.postgresql import PostgresqlStore
    except ImportError as error:
        raise ConfigurationError(
            "A PostgreSQL store needs psycopg: pip install 'django-spotter[postgresql]'."
        ) from error
    return PostgresqlStore(url)
