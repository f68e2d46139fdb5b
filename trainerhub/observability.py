"""All that TrainerHub tells Spotter, and the only module that imports it."""

from __future__ import annotations

from typing import Any

from spotter import logs


def install(settings: dict[str, Any]) -> None:
    """Add Spotter to the settings under construction."""
    settings["INSTALLED_APPS"].insert(0, "spotter")
    settings["MIDDLEWARE"].insert(0, "spotter.middleware.SpotterMiddleware")
    settings["LOGGING"] = logs.config(
        settings["HOME"] / "logs",
        production=settings["PRODUCTION"],
        application="trainerhubb.log",
        workflows={"trainerhub.workflows"},
    )
