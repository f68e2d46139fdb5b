"""Can the database be reached, and does it answer?"""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from spotter.health.check import HealthCheck

# A check's connection that the network has swallowed ends by itself, instead of
# holding its thread until the kernel gives up two hours later.
POSTGRESQL_OPTIONS = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class DatabaseCheck(HealthCheck):
    """
    Connect anew and ask for 1, as the next request of a customer would have to.

    A connection that was kept open would hide "too many clients" and a changed
    password. It is closed at once, so CONN_MAX_AGE has nothing to keep.
    """

    critical = True
    failure = "Not connected"
    kind = "datastore"

    def __init__(self, alias: str = DEFAULT_DB_ALIAS, **options: Any) -> None:
        super().__init__(**options)
        self.alias = alias
        self.name = options.get("name") or name_of("database", alias)

    def run(self) -> str:
        connection = self.connection()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                cursor.fetchone()
        finally:
            connection.close()
        return "Connected"

    def connection(self) -> BaseDatabaseWrapper:
        """What is asked; a drill asks where nobody listens."""
        return own_connection(self.alias)


def own_connection(alias: str) -> BaseDatabaseWrapper:
    """A connection that nobody else uses, with time-outs where the driver has them."""
    connection = connections[alias].copy()
    # Of a pool it would be an old one; and the project's pool, were it made here, would
    # have our time-outs.
    connection.settings_dict.get("OPTIONS", {}).pop("pool", None)
    if connection.vendor == "postgresql":
        options = POSTGRESQL_OPTIONS | connection.settings_dict.get("OPTIONS", {})
        connection.settings_dict["OPTIONS"] = options
    return connection


def every_database() -> list[HealthCheck]:
    """One check for each alias in DATABASES."""
    return [DatabaseCheck(alias) for alias in connections if is_used(alias)]


def is_used(alias: str) -> bool:
    """Whether the project configured it; Django adds a dummy default by itself."""
    return connections[alias].vendor != "unknown"


def name_of(component: str, alias: str) -> str:
    """The key in the body: the default alias has the short one."""
    return component if alias == "default" else f"{component}:{alias}"
