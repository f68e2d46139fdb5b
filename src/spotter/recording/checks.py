"""System checks of where measurements go and how often."""

from __future__ import annotations

from typing import Any

from django.core import checks

from spotter import conf
from spotter.exceptions import ConfigurationError
from spotter.stores import open_store
from spotter.stores.current import store_url

SECONDS = ("flush_seconds", "slow_request_seconds", "slow_query_seconds")


@checks.register("spotter")
def check_store(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a STORE that names no store: `spotter.E020`."""
    try:
        open_store(conf.as_written().store or store_url())
    except ConfigurationError as error:
        return [checks.Error(str(error), id="spotter.E020")]
    return []


@checks.register("spotter")
def check_seconds(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse an interval or limit that is no number above 0: `spotter.E021`."""
    settings = conf.as_written()
    return [
        checks.Error(
            f"{name.upper()} is {getattr(settings, name)!r}; it must be a number of "
            "seconds above 0.",
            hint=f"SPOTTER = {{{name.upper()!r}: {getattr(conf.Settings(), name)}}}",
            id="spotter.E021",
        )
        for name in SECONDS
        if not conf.is_duration(getattr(settings, name))
    ]
