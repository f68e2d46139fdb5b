"""`manage.py spotter statuspage`: print the public status, or write it as files."""

from __future__ import annotations

import argparse
import pathlib
import time

from django.core.management.base import BaseCommand

from spotter.conf import get_settings
from spotter.exceptions import SpotterError
from spotter.statuspage import StatusPage, files
from spotter.statuspage.reading import blind, read
from spotter.statuspage.snapshot import UNKNOWN, Snapshot
from spotter.stores.contract import StoreError
from spotter.stores.current import get_store

HELP = "what the public is shown; exit 1 when it is not known how things are"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to write it."""
    parser.add_argument(
        "--write", type=pathlib.Path, metavar="DIR",
        help="write page, JSON and RSS there, for any web server or bucket",
    )  # fmt: skip


def run(
    command: BaseCommand, *, write: pathlib.Path | None = None, **options: object
) -> bool:
    """Write the files, or print the components; False when nothing is known."""
    page = get_settings().status_page
    if not isinstance(page, StatusPage):
        raise SpotterError("There is no status page: set SPOTTER['STATUS_PAGE'].")
    snapshot = taken(command, page)
    if write is None:
        show(command, snapshot)
    else:
        put(command, write, page, snapshot)
    return snapshot.status != UNKNOWN


def taken(command: BaseCommand, page: StatusPage) -> Snapshot:
    """The page now; one that knows nothing is better than an old one that is glad."""
    try:
        return read(page, get_store(), time.time())
    except StoreError as error:
        command.stderr.write(f"the store can't be read: {error}")
        return blind(page, None, time.time())


def put(
    command: BaseCommand, folder: pathlib.Path, page: StatusPage, snapshot: Snapshot
) -> None:
    """Write the files."""
    if not page.url:
        raise SpotterError(
            "The feed's links need the address where the files will be: "
            "StatusPage(url='https://status.example.com/', …)."
        )
    try:
        made = files.write(folder, snapshot, page.url.rstrip("/") + "/")
    except OSError as error:
        raise SpotterError(f"{folder} can't be written: {error.strerror}.") from error
    command.stdout.write(f"{snapshot.headline}; {len(made)} files in {folder}")


def show(command: BaseCommand, snapshot: Snapshot) -> None:
    """Print it."""
    command.stdout.write(f"{snapshot.title}: {snapshot.headline}")
    for each in snapshot.components:
        command.stdout.write(f"  {each.name}: {each.status}")
    for incident in snapshot.current:
        command.stdout.write(f"  incident {incident.id}: {incident.title}")
