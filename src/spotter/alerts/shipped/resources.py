"""Disk, memory and CPU of hosts, or of the containers' limits."""

from __future__ import annotations

from spotter.alerts.expressions import MINUTE, Gauge
from spotter.alerts.rules import Rule

MOUNT = ("host.name", "system.filesystem.mountpoint")
#: Hosts and pods come and go; Prometheus, too, forgets a series after five minutes.
STALE_SECONDS = 5 * MINUTE


def rules() -> list[Rule]:
    """What runs out."""
    return [
        Rule(
            name="DiskSpaceLow",
            expression=Gauge(name="system.filesystem.utilization", by=MOUNT),
            threshold=0.8,
            clear=0.78,
            for_=5 * MINUTE,
            stale_after=STALE_SECONDS,
            unit="share",
            summary="{value} of the disk {labels} is used: less than 20 % is free",
        ),
        Rule(
            name="HighMemory",
            expression=Gauge(name="system.memory.utilization", by=("host.name",)),
            threshold=0.8,
            clear=0.75,
            for_=5 * MINUTE,
            stale_after=STALE_SECONDS,
            unit="share",
            summary="{value} of the memory of {labels} is used",
        ),
        Rule(
            name="HighCPU",
            expression=Gauge(
                name="system.cpu.utilization",
                by=("host.name",),
                window=5 * MINUTE,
                mean=True,
            ),
            threshold=0.8,
            clear=0.7,
            for_=5 * MINUTE,
            stale_after=STALE_SECONDS,
            unit="share",
            summary="{value} of the CPU of {labels} is in use, for ten minutes",
        ),
    ]
