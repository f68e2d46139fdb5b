"""`manage.py spotter notify`: send a test message through every channel, and see."""

from __future__ import annotations

import argparse
import time

from django.core.management.base import BaseCommand

from spotter.alerts.watcher import configured_channels, place
from spotter.channels import Channel, DeliveryError, Kind, Notice
from spotter.exceptions import SpotterError

HELP = "send a test message through the channels; exit 1 when one fails"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One channel or all."""
    parser.add_argument("channel", nargs="?", help="the channel's name; all by default")


def run(command: BaseCommand, *, channel: str | None = None, **options: object) -> bool:
    """Send, and print what became of it."""
    channels = configured_channels()
    if channel is not None:
        channels = [each for each in channels if each.name == channel]
    if not channels:
        raise SpotterError(
            f"There is no channel {channel or ''}: see SPOTTER['CHANNELS']."
        )
    # Every channel is tried, whatever became of the one before.
    results = [told(command, each) for each in channels]
    return all(results)


def told(command: BaseCommand, channel: Channel) -> bool:
    """Send to one channel a trigger and its end."""
    here, now = place(), time.time()
    for kind in (Kind.TRIGGER, Kind.RESOLVE):
        if kind not in channel.kinds:
            continue
        notice = Notice(
            kind=kind, incident=0, dedup_key=f"spotter-test-{now:.0f}",
            title="This is a test, nothing is wrong", severity="info", at=now,
            service=here.service, environment=here.environment, opened_at=now,
            resolved_at=now if kind is Kind.RESOLVE else None,
            reason="somebody ran `manage.py spotter notify`", is_drill=True,
        )  # fmt: skip
        try:
            channel.send(notice)
        except DeliveryError as error:
            command.stdout.write(f"{channel.name}: {kind} FAILED: {error}")
            return False
        command.stdout.write(f"{channel.name}: {kind} sent")
    return True
