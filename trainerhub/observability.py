"""All that TrainerHub tells Spotter, and the only module that imports it."""

from __future__ import annotations

from typing import Any


def install(settings: dict[str, Any]) -> None:
    """Add Spotter to the settings under construction."""
    settings["INSTALLED_APPS"].insert(0, "spotter")
    settings["MIDDLEWARE"].insert(0, "spotter.middleware.SpotterMiddleware")
