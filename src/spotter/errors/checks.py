"""System checks of what the environment says about Sentry."""

from __future__ import annotations

from typing import Any

from django.core import checks

from spotter import conf
from spotter.errors import environment


@checks.register("spotter")
def check_dsn(**kwargs: Any) -> list[checks.CheckMessage]:
    """Tell of a DSN that cannot be used: `spotter.E041`."""
    problem = environment.dsn_problem(environment.given(environment.DSN))
    if not problem:
        return []
    return [
        checks.Error(
            f"{environment.DSN} cannot be used: {problem}. Nothing is sent to Sentry.",
            hint="Copy it whole from the project's page in Sentry, Client Keys (DSN).",
            id="spotter.E041",
        )
    ]


@checks.register("spotter")
def check_integration(**kwargs: Any) -> list[checks.CheckMessage]:
    """Tell of a SENTRY_INTEGRATION that there is not: `spotter.E043`."""
    given = conf.as_written().sentry_integration
    if given in ("spotter", "sdk"):
        return []
    return [
        checks.Error(
            f"SENTRY_INTEGRATION is {given!r}; the SDK's own is used.",
            hint='"spotter" costs almost nothing, "sdk" is the SDK\'s own for Django.',
            id="spotter.E043",
        )
    ]


@checks.register("spotter")
def check_sample_rate(**kwargs: Any) -> list[checks.CheckMessage]:
    """Tell of a rate outside 0 to 1: `spotter.E042`."""
    given = environment.given(environment.SAMPLE_RATE)
    if not given or environment.sample_rate() is not None:
        return []
    return [
        checks.Error(
            f"{environment.SAMPLE_RATE} is {given!r}; it is ignored and no "
            "transaction is sent.",
            hint="Give the share to send, from 0 to 1: 0.1 is one in ten.",
            id="spotter.E042",
        )
    ]
