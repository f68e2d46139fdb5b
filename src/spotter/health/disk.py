"""Is there space left to write?"""

from __future__ import annotations

import os
import shutil
from typing import Any

from django.conf import settings

from spotter.health.check import Degraded, HealthCheck, Report, Status, Unhealthy


class DiskCheck(HealthCheck):
    """
    Measure the free space where the project writes.

    Args:
        path: any path on the file system in question; BASE_DIR, or the working
            directory, when None.
        degraded_below: percent free.
        unhealthy_below: percent free.
    """

    name = "disk"
    failure = "Cannot be measured"
    kind = "system"

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        degraded_below: float = 20.0,
        unhealthy_below: float = 5.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.path = path
        self.degraded_below = degraded_below
        self.unhealthy_below = unhealthy_below

    def run(self) -> Report:
        path = self.path or getattr(settings, "BASE_DIR", None) or os.getcwd()
        usage = shutil.disk_usage(path)
        return self.judge(100 * usage.free / usage.total)

    def judge(self, free: float) -> Report:
        """What so many percent free mean."""
        detail = f"{free:.1f} % free"
        if free < self.unhealthy_below:
            raise Unhealthy("Almost no space left", detail)
        if free < self.degraded_below:
            raise Degraded("Little space left", detail)
        return Report(Status.HEALTHY, "Enough space", detail)
