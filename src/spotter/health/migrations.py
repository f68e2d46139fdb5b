"""Does the database have the tables that this code expects?"""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.executor import MigrationExecutor

from spotter.health.check import HealthCheck, Unhealthy
from spotter.health.database import is_used, own_connection


class MigrationsCheck(HealthCheck):
    """
    Look for migrations that were not applied.

    Critical: a new version that was started before `migrate` is to get no traffic,
    while the old ones, which miss nothing, go on. Once all are applied that stays so
    for this code, so it is not asked again.
    """

    name = "migrations"
    critical = True
    failure = "Cannot be read"
    kind = "datastore"

    def __init__(self, alias: str = DEFAULT_DB_ALIAS, **options: Any) -> None:
        super().__init__(**options)
        self.alias = alias
        self._is_applied = False

    def run(self) -> str:
        if not self._is_applied:
            pending = unapplied(self.alias)
            if pending:
                raise Unhealthy("Unapplied migrations", ", ".join(pending))
            self._is_applied = True
        return "Up to date"


def default_database() -> list[HealthCheck]:
    """The check of the default alias; none where a project has no database."""
    return [MigrationsCheck()] if is_used(DEFAULT_DB_ALIAS) else []


def unapplied(alias: str) -> list[str]:
    """The names of the migrations that `migrate` would apply."""
    connection = own_connection(alias)
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        return [str(migration) for migration, _ in plan]
    finally:
        connection.close()
