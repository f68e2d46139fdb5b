"""`manage.py spotter logs …`: follow, search and clean the log files."""

from __future__ import annotations

import argparse

from django.core.management.base import BaseCommand

from spotter.management.subcommands.logs import clean, search, show, stats, tail

HELP = "follow, search and clean the log files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare one subcommand for each module."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for module in (tail, search, show, stats, clean):
        name = module.__name__.rpartition(".")[2]
        action = actions.add_parser(name, help=module.HELP, description=module.HELP)
        action.add_argument(
            "--directory",
            metavar="PATH",
            help="where the logs are; by default where settings.LOGGING writes",
        )
        module.add_arguments(action)
        action.set_defaults(run=module.run)


def run(command: BaseCommand, **options: object) -> bool:
    """Never reached: an action is required, and brings its own `run`."""
    raise NotImplementedError
