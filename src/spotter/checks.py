"""System checks: a wrong setting is told at start, with an id and a hint."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any

from django.core import checks

from spotter import conf
from spotter.exceptions import ConfigurationError
from spotter.health import checks as _health  # noqa: F401 (registers its checks)
from spotter.health import collector as _collector  # noqa: F401 (registers itself)


@checks.register("spotter")
def check_setting_names(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a name that Spotter does not know: `spotter.E001`."""
    try:
        names = conf.given()
    except ConfigurationError as error:
        return [checks.Error(str(error), hint='SPOTTER = {"…": …}', id="spotter.E001")]
    known = conf.known_names()
    return [unknown_name(name, known) for name in names if name not in known]


#: Settings of which another check tells what they must be.
TOLD_ELSEWHERE = frozenset((
    "dashboard_access", "dashboard_prefix", "metrics_access", "privacy_allow",
    "privacy_allow_keys", "rules_off", "sentry_integration", "store",
))  # fmt: skip


@checks.register("spotter")
def check_kinds(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse text for a switch or a list, and the like: `spotter.E002`."""
    try:
        written = conf.as_written()
    except ConfigurationError:
        return []  # E001 tells
    found: list[checks.CheckMessage] = []
    for field in dataclasses.fields(conf.Settings):
        value, default = (
            getattr(written, field.name),
            getattr(conf.DEFAULTS, field.name),
        )
        is_told = isinstance(default, float) or field.name in TOLD_ELSEWHERE
        # None is what an environment gives that does not name it: the default.
        if is_told or value is None or conf.is_of_kind(field.name, value):
            continue
        found.append(wrong_kind(field.name.upper(), value, default))
    return found


def wrong_kind(name: str, value: object, default: object) -> checks.Error:
    """Say what it must be; not what it is, which may be a secret."""
    return checks.Error(
        f"{name} is of the type {type(value).__name__}; it must be "
        f"{conf.KINDS[type(default)][1]}.",
        hint=f"Until then it is as if it were not given: {default!r}.",
        id="spotter.E002",
    )


def unknown_name(name: str, known: frozenset[str]) -> checks.Error:
    """Say which name was probably meant."""
    near = difflib.get_close_matches(str(name).upper(), known, n=1)
    return checks.Error(
        f"SPOTTER has no setting {name!r}.",
        hint=f"Did you mean {near[0]!r}?" if near else f"Known: {sorted(known)}.",
        id="spotter.E001",
    )
