"""System checks of what the settings say of alerting."""

from __future__ import annotations

import collections
import os
from typing import Any

from django.core import checks

from spotter import conf
from spotter.alerts import rule_checks as _rule_checks  # noqa: F401 (registers its checks)
from spotter.alerts.heartbeats import Heartbeat
from spotter.channels import Channel
from spotter.probes import Monitor

KINDS = (
    ("channels", Channel, "spotter.channels.Channel", "spotter.E060"),
    ("monitors", Monitor, "spotter.probes.Monitor", "spotter.E061"),
    ("heartbeats", Heartbeat, "spotter.alerts.heartbeats.Heartbeat", "spotter.E062"),
)
SECONDS = ("watch_seconds", "probe_seconds")


@checks.register("spotter")
def check_instances(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse what is no channel, monitor or heartbeat, and two of one name: E060-E062."""
    found: list[checks.CheckMessage] = []
    for name, kind, path, id_ in KINDS:
        given = list(getattr(conf.get_settings(), name))
        found += [
            checks.Error(
                f"{name.upper()} has {each!r}, which is no {kind.__name__.lower()}.",
                hint=f"List instances of {path}.",
                id=id_,
            )
            for each in given
            if not isinstance(each, kind)
        ]
        names = collections.Counter(str(getattr(each, "name", "")) for each in given)
        found += [
            checks.Error(
                f"{name.upper()} has {count} of the name {each!r}.",
                hint="Give each a name of its own.",
                id=id_,
            )
            for each, count in names.items()
            if count > 1
        ]
    return found


@checks.register("spotter")
def check_channels(**kwargs: Any) -> list[checks.CheckMessage]:
    """Tell what a channel lacks: `spotter.W063`."""
    return [
        checks.Warning(
            f"The channel {each.name!r} can't send: {problem}.",
            hint="Nobody would be told. `manage.py spotter notify` sends a test.",
            id="spotter.W063",
        )
        for each in conf.get_settings().channels
        if isinstance(each, Channel)
        for problem in (*each.problems(os.environ), *each.routing_problems())
    ]


@checks.register("spotter")
def check_intervals(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse an interval that is no number above 0: `spotter.E065`."""
    settings = conf.as_written()
    return [
        checks.Error(
            f"{name.upper()} is {getattr(settings, name)!r}; it must be a number of "
            "seconds above 0.",
            hint=f"SPOTTER = {{{name.upper()!r}: {getattr(conf.Settings(), name)}}}",
            id="spotter.E065",
        )
        for name in SECONDS
        if not conf.is_duration(getattr(settings, name))
    ]
