"""A project with a dependency that hangs, for servers that must not care."""

from __future__ import annotations

import time

from spotter.health import HealthCheck
from tests.project.settings import *  # noqa: F403 (a settings module)


class HangingCheck(HealthCheck):
    """Hang for half a minute, as a black hole in the network does."""

    name = "warehouse"
    critical = True

    def run(self) -> str:
        time.sleep(30)
        return "Connected"


SPOTTER = {"HEALTH_CHECKS": [HangingCheck]}
