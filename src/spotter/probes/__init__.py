"""What is asked from outside, as a user would: monitors and their probes."""

from __future__ import annotations

from spotter.probes.http import Http
from spotter.probes.monitor import Monitor, Probe
from spotter.probes.tcp import Tcp

__all__ = ["Http", "Monitor", "Probe", "Tcp"]
