"""System checks of what the settings say of health and metrics."""

from __future__ import annotations

from typing import Any

from django.core import checks

from spotter.conf import as_written, get_settings, is_duration
from spotter.exceptions import ConfigurationError
from spotter.exposition.access import POLICIES, policy
from spotter.health.registry import load

DURATIONS = (
    "health_budget_seconds",
    "health_ttl_seconds",
    "metrics_ttl_seconds",
    "metrics_budget_seconds",
)


@checks.register("spotter")
def check_health_checks(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse an entry of HEALTH_CHECKS that is no check: `spotter.E010`."""
    try:
        load(get_settings().health_checks)
    except ConfigurationError as error:
        hint = 'For example: "HEALTH_CHECKS": ["shop.health.WarehouseCheck"].'
        return [checks.Error(str(error), hint=hint, id="spotter.E010")]
    return []


@checks.register("spotter")
def check_metrics_access(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse an unknown METRICS_ACCESS, `spotter.E011`; a token nobody has, `E013`."""
    settings = as_written()
    if settings.metrics_access and settings.metrics_access not in POLICIES:
        return [
            checks.Error(
                f"METRICS_ACCESS is {settings.metrics_access!r}.",
                hint=f"Use one of {', '.join(POLICIES)}. Until then it is {policy()!r}.",
                id="spotter.E011",
            )
        ]
    if settings.metrics_access == "token" and not settings.token:
        return [
            checks.Error(
                "METRICS_ACCESS is 'token', but there is no TOKEN: nobody can read.",
                hint='Set SPOTTER["TOKEN"], from the environment.',
                id="spotter.E013",
            )
        ]
    return []


@checks.register("spotter")
def check_durations(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a duration that is no number above 0: `spotter.E012`."""
    settings = as_written()
    return [
        checks.Error(
            f"{name.upper()} is {getattr(settings, name)!r}.",
            hint="It must be a number of seconds above 0.",
            id="spotter.E012",
        )
        for name in DURATIONS
        if not is_duration(getattr(settings, name))
    ]
