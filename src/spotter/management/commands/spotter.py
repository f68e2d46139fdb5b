"""`manage.py spotter …`: everything that Spotter does from the command line."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from spotter.exceptions import SpotterError
from spotter.management.subcommands import (
    deploy,
    drill,
    export,
    heartbeats,
    incidents,
    logs,
    notify,
    rules,
    silence,
    status,
    statuspage,
    watch,
)

#: Adding a subcommand is a module with HELP, `add_arguments` and `run`, named here.
SUBCOMMANDS = {
    "deploy": deploy,
    "drill": drill,
    "export": export,
    "heartbeats": heartbeats,
    "incidents": incidents,
    "logs": logs,
    "notify": notify,
    "rules": rules,
    "silence": silence,
    "status": status,
    "statuspage": statuspage,
    "watch": watch,
}


class Command(BaseCommand):
    """Hand over to the subcommand; exit with 1 when it found nothing, as grep does."""

    help = "Look into the project with Spotter."
    # To read a log must be possible when the project has an error.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        subcommands = parser.add_subparsers(
            dest="subcommand", metavar="SUBCOMMAND", required=True
        )
        for name, module in SUBCOMMANDS.items():
            subparser = subcommands.add_parser(name, help=module.HELP)
            subparser.set_defaults(run=module.run)
            module.add_arguments(subparser)

    def handle(self, *args: Any, **options: Any) -> None:
        run = options.pop("run")
        try:
            found = run(self, **options)
        except SpotterError as error:
            raise CommandError(str(error), returncode=2) from error
        except BrokenPipeError:
            # `| head` has read enough; the interpreter must not flush into it.
            sys.stdout = None
            return
        if not found:
            sys.exit(1)
