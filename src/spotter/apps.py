"""How Django starts Spotter."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from spotter import errors, recorders


class SpotterConfig(AppConfig):
    """Register checks, hook in, and find each app's `observability` module."""

    name = "spotter"
    verbose_name = "Spotter"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from spotter import checks  # noqa: F401 (registers them)
        from spotter.alerts import checks as alerts_checks  # noqa: F401
        from spotter.alerts import job_checks  # noqa: F401
        from spotter.dashboard import checks as dashboard_checks  # noqa: F401
        from spotter.errors import checks as errors_checks  # noqa: F401
        from spotter.privacy import checks as privacy_checks  # noqa: F401
        from spotter.probes import checks as probes_checks  # noqa: F401
        from spotter.recording import checks as recording_checks  # noqa: F401
        from spotter.statuspage import checks as statuspage_checks  # noqa: F401

        recorders.install()
        errors.install()
        autodiscover_modules("observability")
