"""`/metrics/`: the project's numbers in JSON, OpenMetrics and Prometheus' text."""

from __future__ import annotations
