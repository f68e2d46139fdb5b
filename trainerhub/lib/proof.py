"""Whether a restored database has what the real one had when it was backed up."""

from __future__ import annotations

from collections.abc import Mapping

#: How many rows each table has.
Counts = Mapping[str, int]
#: A table that no migrated database is without.
MIGRATIONS = "django_migrations"


class BackupFailed(Exception):  # noqa: N818 (told to a person)
    """There is no new backup; those before are as they were."""


def compare(real: Counts, restored: Counts) -> None:
    """
    Refuse a backup that has not all rows of all tables.

    Raises:
        BackupFailed: which table, and how many rows.
    """
    if not any(
        count
        for name, count in restored.items()
        if name.rpartition(".")[2] == MIGRATIONS
    ):
        raise BackupFailed("the restored database has no applied migration")
    for name in sorted({*real, *restored}):
        if real.get(name) != restored.get(name):
            raise BackupFailed(
                f"restored, the table {name} has {rows(restored.get(name))}; "
                f"the database has {rows(real.get(name))}"
            )


def rows(count: int | None) -> str:
    """A number of rows, or that there is no table."""
    if count is None:
        return "no rows, as there is no such table"
    return f"{count:,} rows" if count != 1 else "1 row"
