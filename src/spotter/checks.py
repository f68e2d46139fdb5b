"""System checks: a wrong setting is told at start, with an id and a hint."""

from __future__ import annotations

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


def unknown_name(name: str, known: frozenset[str]) -> checks.Error:
    """Say which name was probably meant."""
    near = difflib.get_close_matches(str(name).upper(), known, n=1)
    return checks.Error(
        f"SPOTTER has no setting {name!r}.",
        hint=f"Did you mean {near[0]!r}?" if near else f"Known: {sorted(known)}.",
        id="spotter.E001",
    )
