"""`manage.py spotter watch`: probe, evaluate and deliver until told to stop."""

from __future__ import annotations

import argparse
import signal

from django.core.management.base import BaseCommand

from spotter.alerts.watcher import Watcher

HELP = "watch: probe, evaluate the alert rules, tell people"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing: what it does is in the settings."""


def run(command: BaseCommand, **options: object) -> bool:
    """Watch until SIGTERM or Ctrl-C."""
    watcher = Watcher()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *received: watcher.stop())
    names = ", ".join(each.name for each in watcher.channels) or "nobody: set CHANNELS"
    command.stdout.write(
        f"spotter: watching {len(watcher.engine.rules)} rules and "
        f"{len(watcher.monitors)} monitors, telling {names}"
    )
    command.stdout.flush()
    watcher.run()
    command.stdout.write("spotter: the watcher has stopped")
    return True
