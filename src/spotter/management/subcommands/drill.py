"""`manage.py spotter drill`: make rules fire on purpose, and see every message arrive."""

from __future__ import annotations

import argparse
import time

from django.core.management.base import BaseCommand

from spotter.alerts.book import Ping
from spotter.alerts.drill import JOB, WHERE, Drill, shown
from spotter.alerts.heartbeats import FAILURE, SUCCESS, Heartbeat
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.alerts.watcher import configured_channels, configured_rules, place
from spotter.channels import Notice
from spotter.exceptions import SpotterError
from spotter.management.subcommands.status import book
from spotter.stores.contract import StoreError

HELP = "make rules fire on purpose and follow them to every receiver; exit 1 on a missing leg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which rules, and whether people are really told."""
    parser.add_argument("rules", nargs="*", metavar="RULE", help="names of rules")
    parser.add_argument("--all", action="store_true", help="every rule")
    parser.add_argument(
        "--deliver",
        action="store_true",
        help="really send, marked [DRILL]; otherwise what would be sent is shown",
    )


def run(
    command: BaseCommand,
    *,
    rules: list[str],
    deliver: bool,
    **options: object,
) -> bool:
    """Drill one rule after the other; True when every leg was there."""
    main = book()
    known = {rule.name: rule for rule in configured_rules(lambda: main)}
    wanted = list(known) if options["all"] else rules
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise SpotterError(
            f"{', '.join(unknown) or 'No rule'}: name rules, or --all. There are: "
            f"{', '.join(sorted(known))}."
        )
    results = {name: drill(command, known[name], deliver=deliver) for name in wanted}
    for name, is_whole in results.items():
        kind = SUCCESS if is_whole else FAILURE
        try:
            with main.writing() as page:
                page.ping(Ping(name=JOB + name, kind=kind, at=time.time()))
        except StoreError as error:
            command.stderr.write(f"the drill of {name} is not written down: {error}")
    missing = [name for name, is_whole in results.items() if not is_whole]
    command.stdout.write(
        f"{len(results) - len(missing)} of {len(results)} drills reached everybody"
        + (f"; not {', '.join(missing)}" if missing else "")
    )
    return not missing


def drill(command: BaseCommand, rule: Rule, *, deliver: bool) -> bool:
    """One rule; print its stages."""
    command.stdout.write(f"{rule.name} ({rule.severity})")

    def show(name: str, notice: Notice) -> None:
        command.stdout.write(f"           {name} would be sent: {notice.headline}")

    channels = configured_channels()
    one = Drill(rule, channels if deliver else shown(channels, show), place())
    # Rules about jobs and deliveries read the drill's own book.
    jobs = [
        Heartbeat(name=WHERE, every_seconds=60, is_backup=rule.name == "BackupMissing")
    ]
    for each in shipped(lambda: one.book, jobs):
        if each.name == rule.name and rule.name in READ_BOOK:
            one.use(each)
    is_whole = True
    for stage in one.run():
        is_whole = is_whole and stage.ok
        mark = "ok  " if stage.ok else "MISSING"
        command.stdout.write(
            f"  {stage.after:6.0f} s {mark} {stage.name} {stage.text}".rstrip()
        )
    return is_whole


READ_BOOK = ("BackupMissing", "HeartbeatMissing", "NotificationChannelFailing")
