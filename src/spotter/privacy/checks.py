"""System checks of what a project lets through the scrubber."""

from __future__ import annotations

import difflib
from typing import Any

from django.core import checks

from spotter import conf
from spotter.privacy.allowance import CATEGORIES


@checks.register("spotter")
def check_privacy_allow(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a category that does not exist: `spotter.E031`."""
    allowed = conf.as_written().privacy_allow
    if isinstance(allowed, str):
        return [_not_a_list("PRIVACY_ALLOW", allowed)]
    return [_unknown(name) for name in allowed if name not in CATEGORIES]


@checks.register("spotter")
def check_privacy_allow_keys(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a plain string, whose letters would be the names: `spotter.E032`."""
    keys = conf.as_written().privacy_allow_keys
    return [_not_a_list("PRIVACY_ALLOW_KEYS", keys)] if isinstance(keys, str) else []


def _unknown(name: object) -> checks.Error:
    near = difflib.get_close_matches(str(name).lower(), CATEGORIES, n=1)
    return checks.Error(
        f"PRIVACY_ALLOW has no category {name!r}.",
        hint=f"Did you mean {near[0]!r}?"
        if near
        else f"Known: {sorted(CATEGORIES)}; credentials cannot be let through. "
        "For one field, name it in PRIVACY_ALLOW_KEYS.",
        id="spotter.E031",
    )


def _not_a_list(setting: str, given: str) -> checks.Error:
    return checks.Error(
        f"{setting} is the string {given!r}; it must be a list.",
        hint=f"{setting!r}: [{given!r}]",
        id="spotter.E032",
    )
