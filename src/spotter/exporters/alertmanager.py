"""Alertmanager's configuration, from the channels and from what explains what."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from spotter.alerts.rules import Rule
from spotter.channels import Channel, Email, PagerDuty, Slack
from spotter.exporters.promql import duration
from spotter.exporters.yaml import dump

MAIN = "alertmanager.yml"
#: Where Alertmanager finds the secrets, each in a file named after its channel.
SECRETS = "/etc/alertmanager/secrets"
NOBODY = "nobody"
#: Alerts that belong together wait for one another, as incidents of Spotter do.
GROUP_WAIT, GROUP_INTERVAL = "10s", "1m"
#: When Alertmanager is to tell again of what it never reminds of by itself.
NEVER = "365d"

Mail = Mapping[str, Any]


def main_file(
    rules: Sequence[Rule],
    channels: Sequence[Channel],
    *,
    environment: str,
    mail: Mail,
    secrets: str = SECRETS,
) -> str:
    """
    Routes, receivers and inhibitions; no secret, but the names of files that hold them.

    Args:
        mail: `host`, `port`, `user`, `use_tls` and `sender` of the project's e-mail.
    """
    notes: list[str] = []
    taken = [each for each in channels if is_taken(each, environment, notes)]
    receivers = [receiver(each, mail, secrets) for each in taken]
    document: dict[str, Any] = {
        "route": {
            "receiver": NOBODY,
            "group_by": ["job"],
            "group_wait": GROUP_WAIT,
            "group_interval": GROUP_INTERVAL,
            "routes": [route(each, notes) for each in taken],
        },
        "receivers": [{"name": NOBODY}, *receivers],
        "inhibit_rules": inhibitions(rules),
    }
    intervals = [hours(each) for each in taken if each.hours is not None]
    if intervals:
        document["time_intervals"] = intervals
    head = [
        "Written by `manage.py spotter export alertmanager` from CHANNELS and the rules.",
        *notes,
    ]
    return dump(
        {name: value for name, value in document.items() if value},
        head="\n".join(head),
    )


def is_taken(channel: Channel, environment: str, notes: list[str]) -> bool:
    """Whether Alertmanager has such a receiver, here; a note tells why not."""
    if settings_of.dispatch(type(channel)) is settings_of.dispatch(object):
        kind = type(channel).__name__
        notes.append(
            f"Not here: {channel.name}, since Alertmanager cannot send as {kind} does."
        )
        return False
    if channel.environments and environment not in channel.environments:
        wanted = " or ".join(channel.environments)
        notes.append(
            f"Not here: {channel.name}, since this is {environment or 'no environment'} "
            f"and not {wanted}."
        )
        return False
    return True


def route(channel: Channel, notes: list[str]) -> dict[str, Any]:
    """What a channel is told; every channel is asked, so the next one is too."""
    matchers = []
    if channel.severities:
        matchers.append(f'severity=~"{"|".join(channel.severities)}"')
    if channel.rules:
        matchers.append(f'alertname=~"{"|".join(channel.rules)}"')
    made: dict[str, Any] = {"receiver": channel.name, "continue": True}
    if matchers:
        made["matchers"] = matchers
    if channel.after_seconds:
        # Alertmanager knows no acknowledgement: who has one must mute it himself.
        made["group_wait"] = duration(channel.after_seconds)
        notes.append(
            f"{channel.name} is told after {made['group_wait']}, acknowledged or not."
        )
    remind = channel.remind_seconds if not isinstance(channel, PagerDuty) else 0.0
    made["repeat_interval"] = duration(remind) if remind else NEVER
    if channel.hours is not None:
        made["active_time_intervals"] = [f"hours-of-{channel.name}"]
    return made


def receiver(channel: Channel, mail: Mail, secrets: str) -> dict[str, Any]:
    """A receiver of the channel's kind."""
    kind, settings = settings_of(channel, mail, f"{secrets}/{channel.name}")
    return {"name": channel.name, kind: [{"send_resolved": True, **settings}]}


@functools.singledispatch
def settings_of(channel: object, mail: Mail, secret: str) -> tuple[str, dict[str, Any]]:
    """What Alertmanager calls the channel's kind, and its settings."""
    raise NotImplementedError


@settings_of.register
def of_email(channel: Email, mail: Mail, secret: str) -> tuple[str, dict[str, Any]]:
    """By the server that the project's own e-mail goes through."""
    settings: dict[str, Any] = {
        "to": ", ".join(channel.to),
        "from": channel.sender or mail["sender"],
        "smarthost": f"{mail['host']}:{mail['port']}",
        "require_tls": bool(mail["use_tls"]),
    }
    if mail["user"]:
        settings["auth_username"] = mail["user"]
        settings["auth_password_file"] = secret
    return "email_configs", settings


@settings_of.register
def of_slack(channel: Slack, mail: Mail, secret: str) -> tuple[str, dict[str, Any]]:
    """The webhook's address is the secret."""
    return "slack_configs", {"api_url_file": secret}


@settings_of.register
def of_pagerduty(
    channel: PagerDuty, mail: Mail, secret: str
) -> tuple[str, dict[str, Any]]:
    """Events API v2."""
    severity = "{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}critical{{ end }}"
    settings = {"routing_key_file": secret, "severity": severity}
    return "pagerduty_configs", {**settings, "url": channel.url}


def inhibitions(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """What explains a rule mutes it, within one service."""
    return [
        {
            "source_matchers": [f'alertname=~"{"|".join(rule.because_of)}"'],
            "target_matchers": [f'alertname="{rule.name}"'],
            "equal": ["job"],
        }
        for rule in rules
        if rule.because_of
    ]


def hours(channel: Channel) -> dict[str, Any]:
    """When a channel is on duty; over midnight it is two stretches."""
    begin, end = channel.hours or ("00:00", "24:00")
    stretches = [(begin, end)] if begin <= end else [(begin, "24:00"), ("00:00", end)]
    times = [{"start_time": a, "end_time": b} for a, b in stretches if a != b]
    return {
        "name": f"hours-of-{channel.name}",
        "time_intervals": [{"times": times, "location": channel.timezone}],
    }
