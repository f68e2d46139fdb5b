"""Run a command again and again: the minute hand of one machine."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType
from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Run another command each minute until SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the command, such as send_reminders")
        parser.add_argument("--every-seconds", type=float, default=60.0)

    def handle(self, *, name: str, every_seconds: float, **options: Any) -> None:
        if name not in get_commands():
            raise CommandError(f"there is no command named {name!r}")
        if every_seconds <= 0:
            raise CommandError("--every-seconds must be above 0")
        is_over = threading.Event()

        def stop(number: int, frame: FrameType | None) -> None:
            is_over.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        while not is_over.is_set():
            run(name)
            is_over.wait(every_seconds)


def run(name: str) -> None:
    """Run it once; a failure is logged, and the next minute is another chance."""
    close_old_connections()
    try:
        call_command(name)
    except Exception:
        logger.exception("%s failed; it runs again at its next turn", name)
    finally:
        close_old_connections()
