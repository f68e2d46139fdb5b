"""How Django starts Spotter."""

from __future__ import annotations

from django.apps import AppConfig


class SpotterConfig(AppConfig):
    """Register checks and find each app's `observability` module."""

    name = "spotter"
    verbose_name = "Spotter"
