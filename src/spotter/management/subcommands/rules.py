"""`manage.py spotter rules`: the rules as they stand, and what they would have said."""

from __future__ import annotations

import argparse
import pathlib
from typing import Any

from django.core.management.base import BaseCommand

from spotter.management.subcommands import rules_list, rules_test

HELP = "list the alert rules, or test them over given or recorded series"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Without more it lists; `test` tests."""
    actions = parser.add_subparsers(dest="action", metavar="test")
    test = actions.add_parser("test", help=rules_test.HELP)
    test.add_argument("files", nargs="*", type=pathlib.Path, metavar="FILE")
    test.add_argument(
        "--recorded", metavar="24h",
        help="replay what was recorded in so long, or from START to END",
    )  # fmt: skip
    test.add_argument("--until", metavar="END", help="the end of what is replayed")
    test.add_argument(
        "--rule", action="append", default=[], metavar="NAME",
        help="only this rule; may be repeated",
    )  # fmt: skip
    test.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE",
        help="with another threshold, clear, for_ …",
    )  # fmt: skip


def run(command: BaseCommand, **options: Any) -> bool:
    """List or test."""
    if options.pop("action", None) == "test":
        return rules_test.run(command, **options)
    return rules_list.run(command)
