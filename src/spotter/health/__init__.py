"""Is it alive, is it ready, and what is wrong: answered without ever hanging."""

from __future__ import annotations

from spotter.health.check import Degraded, HealthCheck, Report, Status, Unhealthy
from spotter.health.paths import SkipProbes, is_probe

__all__ = [
    "Degraded",
    "HealthCheck",
    "Report",
    "SkipProbes",
    "Status",
    "Unhealthy",
    "is_probe",
]
