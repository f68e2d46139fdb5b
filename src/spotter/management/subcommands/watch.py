"""`manage.py spotter watch`: probe, evaluate and deliver until told to stop."""

from __future__ import annotations

import argparse
import logging
import os
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
    if watcher.hangs:
        end_at_once(command)
    return True


def end_at_once(command: BaseCommand) -> None:
    """Something hangs in a thread that the interpreter would wait for; nobody should."""
    command.stdout.write("spotter: something hangs and is left behind")
    command.stdout.flush()
    logging.shutdown()
    os._exit(0)
