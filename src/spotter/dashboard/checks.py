"""System checks of who may see the dashboard and where it is."""

from __future__ import annotations

import re
from typing import Any

from django.core import checks
from django.utils.module_loading import import_string

from spotter.conf import as_written


@checks.register("spotter")
def check_access(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a DASHBOARD_ACCESS that cannot be called: `spotter.E050`."""
    given = as_written().dashboard_access
    if not given:
        return []
    try:
        usable = callable(import_string(given))
    except (ImportError, TypeError, AttributeError):
        usable = False
    if usable:
        return []
    return [
        checks.Error(
            f"DASHBOARD_ACCESS is {given!r}, which is no function that can be imported; "
            "nobody can see the dashboard.",
            hint="The dotted path of a function that takes a request and gives True or "
            "False, or nothing at all.",
            id="spotter.E050",
        )
    ]


@checks.register("spotter")
def check_prefix(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a DASHBOARD_PREFIX that is no path: `spotter.E051`."""
    given: object = as_written().dashboard_prefix
    if isinstance(given, str) and re.fullmatch(r"/?[\w.-]+(?:/[\w.-]+)*/?", given):
        return []
    return [
        checks.Error(
            f"DASHBOARD_PREFIX is {given!r}; it must be a path such as 'spotter'.",
            hint="Letters, digits, dots, dashes and slashes.",
            id="spotter.E051",
        )
    ]
