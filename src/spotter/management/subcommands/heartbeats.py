"""`manage.py spotter heartbeats`: the jobs that must report, and how each is."""

from __future__ import annotations

import argparse
import time

from django.core.management.base import BaseCommand

from spotter.alerts import jobs
from spotter.alerts.heartbeats import missing
from spotter.exceptions import SpotterError
from spotter.management.subcommands.status import book

HELP = "list the jobs that must report; exit 1 when one is not well"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which to forget."""
    parser.add_argument("--forget", metavar="NAME", help="a job that there is no more")


def run(command: BaseCommand, *, forget: str | None = None, **options: object) -> bool:
    """List them, or forget one."""
    if forget is not None:
        return forgotten(command, forget)
    with book().reading() as page:
        found = missing(page, jobs.of_this_process(), time.time())
    for name, (_, problem) in found.items():
        command.stdout.write(f"{name}: {problem or 'well'}")
    if not found:
        command.stdout.write("no job reports")
    return not any(problem for _, problem in found.values())


def forgotten(command: BaseCommand, name: str) -> bool:
    """Forget one."""
    with book().writing() as page:
        is_known = jobs.forget(page, name)
    if not is_known:
        raise SpotterError(f"There is no job named {name!r}.")
    command.stdout.write(
        f"{name} is forgotten; it comes back when it runs, or is found, again"
    )
    return True
