"""What is asked from outside, as a user would: monitors and their probes."""

from __future__ import annotations

from spotter.probes.monitor import Http, Monitor, Probe, Tcp

__all__ = ["Http", "Monitor", "Probe", "Tcp"]
