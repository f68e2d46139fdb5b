"""How Django starts Spotter."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from spotter import errors, recorders


class SpotterConfig(AppConfig):
    """Register checks, hook in, and find each app's `observability` module."""

    name = "spotter"
    verbose_name = "Spotter"

    def ready(self) -> None:
        from spotter import checks  # noqa: F401 (registers them)

        recorders.install()
        errors.install()
        autodiscover_modules("observability")
