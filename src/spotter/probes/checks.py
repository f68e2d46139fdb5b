"""System checks of what is probed."""

from __future__ import annotations

from typing import Any

from django.core import checks

from spotter import conf
from spotter.probes.monitor import Monitor


@checks.register("spotter")
def check_monitors(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a monitor that can't be asked: `spotter.E070`."""
    return [
        checks.Error(
            f"The monitor {each.name!r} can't be probed: {problem}.",
            hint="See Monitors in docs/reference/alerting.md.",
            id="spotter.E070",
        )
        for each in conf.get_settings().monitors
        if isinstance(each, Monitor)
        for problem in each.problems()
    ]


@checks.register("spotter")
def check_connectivity(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a CONNECTIVITY that is no host and port: `spotter.E071`."""
    given: object = conf.get_settings().connectivity
    if not given:
        return []
    host, _, port = str(given).rpartition(":")
    if host and port.isascii() and port.isdigit() and 0 < int(port) < 65536:
        return []
    return [
        checks.Error(
            f"CONNECTIVITY is {given!r}; it must be 'host:port'.",
            hint='SPOTTER = {"CONNECTIVITY": "1.1.1.1:443"}',
            id="spotter.E071",
        )
    ]
