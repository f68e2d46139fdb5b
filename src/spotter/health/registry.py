"""The checks that the settings name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.module_loading import import_string

from spotter.exceptions import ConfigurationError
from spotter.health.check import HealthCheck


def load(entries: Iterable[object]) -> list[HealthCheck]:
    """
    Make checks of dotted paths, classes, instances and functions that give checks.

    Of two with one name the later stands, in the place of the earlier: so a project
    changes one check and keeps the rest.
    """
    checks: dict[str, HealthCheck] = {}
    for entry in entries:
        for check in checks_of(entry):
            checks[check.name] = check
    return list(checks.values())


def checks_of(entry: object) -> list[HealthCheck]:
    """The checks that one entry of HEALTH_CHECKS stands for."""
    found: Any = imported(entry) if isinstance(entry, str) else entry
    if callable(found):
        found = found()
    found = found if isinstance(found, list) else [found]
    for check in found:
        if not isinstance(check, HealthCheck) or not check.name:
            raise ConfigurationError(
                f"HEALTH_CHECKS has {entry!r}, which is no health check: list a "
                "subclass of spotter.health.HealthCheck with a name, its dotted path, "
                "an instance, or a function that gives a list of them."
            )
    return list(found)


def imported(path: str) -> object:
    """What a dotted path names."""
    try:
        return import_string(path)
    except ImportError as error:
        raise ConfigurationError(
            f"HEALTH_CHECKS has {path!r}, which cannot be imported: {error}"
        ) from error
