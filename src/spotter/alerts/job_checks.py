"""System checks of the jobs that must report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core import checks

from spotter.alerts.jobs import configured
from spotter.alerts.punctuality import Heartbeat
from spotter.conf import is_duration


@checks.register("spotter")
def check_heartbeats(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a heartbeat whose numbers make no sense: `spotter.E073`."""
    return [
        checks.Error(
            f"The heartbeat {each.name!r}: {problem}.",
            hint="Heartbeat(name='nightly', every_seconds=86400)",
            id="spotter.E073",
        )
        for each in configured()
        for problem in problems_of(each)
    ]


def problems_of(heartbeat: Heartbeat) -> Iterator[str]:
    """What is wrong with one."""
    name: object = heartbeat.name
    if not isinstance(name, str) or not name.strip() or "/" in name:
        yield "name must be a text without slashes: it is a part of an address"
    if not is_duration(heartbeat.every_seconds):
        yield f"every_seconds is {heartbeat.every_seconds!r}; it must be above 0"
    grace = heartbeat.grace_seconds
    if grace is not None and grace != 0 and not is_duration(grace):
        yield f"grace_seconds is {grace!r}; it must be 0 or more"
    longest = heartbeat.max_seconds
    if longest is not None and not is_duration(longest):
        yield f"max_seconds is {longest!r}; it must be above 0"
