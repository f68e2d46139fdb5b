"""`manage.py spotter notify`: send a test message through every channel, and see."""

from __future__ import annotations

import argparse
import functools
import time

from django.core.management.base import BaseCommand

from spotter.alerts.outbox import send_by
from spotter.alerts.watcher import configured_channels, place
from spotter.channels import Channel, DeliveryError, Kind, Notice
from spotter.channels.channel import without_secrets
from spotter.channels.deadline import Deadline
from spotter.exceptions import SpotterError
from spotter.management.subcommands.status import book
from spotter.stores.contract import StoreError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

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
            Deadline().run(functools.partial(send_by, channel, [notice]))
        except DeliveryError as error:
            reason = without_secrets(channel, str(error))
            command.stdout.write(f"{channel.name}: {kind} FAILED: {reason}")
            return False
        command.stdout.write(f"{channel.name}: {kind} sent")
    open_again(command, channel)
    return True


def open_again(command: BaseCommand, channel: Channel) -> None:
    """What works is not shut any more; what waited for it is sent by the watcher."""
    if not isinstance(get_store(), SqlStore):
        return
    try:
        with book().writing() as page:
            was_shut = page.open_again(channel.name, time.time())
    except StoreError as error:
        command.stdout.write(f"{channel.name}: it stays shut: {error}")
        return
    if was_shut:
        command.stdout.write(f"{channel.name}: it was shut and is open again")
