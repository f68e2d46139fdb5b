"""`manage.py spotter drill`: make rules fire on purpose, and see every message arrive."""

from __future__ import annotations

import argparse
import signal
import threading
import time
from collections.abc import Sequence

from django.core.management.base import BaseCommand

from spotter.alerts.book import Book
from spotter.alerts.drilled import JOB
from spotter.alerts.heartbeats import FAILURE, SUCCESS
from spotter.alerts.records import Ping
from spotter.alerts.rules import Rule
from spotter.alerts.watcher import configured_rules
from spotter.drills.drill import Stage
from spotter.drills.runner import Options, Result, Runner
from spotter.exceptions import SpotterError
from spotter.management.subcommands.status import book
from spotter.stores.contract import StoreError

NONE = "-"
HELP = "make rules fire on purpose and follow them to every receiver; exit 1 on a missing leg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which rules, how, and whether people are really told."""
    parser.add_argument("rules", nargs="*", metavar="RULE", help="names of rules")
    parser.add_argument("--all", action="store_true", help="every rule")
    parser.add_argument(
        "--deliver",
        action="store_true",
        help="really send, marked [DRILL]; otherwise receivers on this machine are sent "
        "what would be sent",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="shorten `for_` and windows, and say by how much",
    )
    parser.add_argument(
        "--simulated",
        action="store_true",
        help="break nothing: write what recorders would, in a time of the drill's own",
    )
    parser.add_argument(
        "--require-real",
        action="store_true",
        help="exit 1 when a rule had to be simulated because no server could be reached",
    )
    parser.add_argument(
        "--url", default="", help="the server's address; else PUBLIC_URL's"
    )


def run(command: BaseCommand, *, rules: list[str], **options: object) -> bool:
    """Drill the rules; True when every leg was there."""
    main = book()
    wanted = chosen(configured_rules(lambda: main), rules, everything=bool(options["all"]))  # fmt: skip
    width = max(len(rule.name) for rule in wanted)

    def tell(rule: str, stage: Stage) -> None:
        mark = "ok     " if stage.ok else "MISSING"
        line = f"{stage.after:7.1f} s  {rule:{width}}  {mark} {stage.name} {stage.text}"
        command.stdout.write(line.rstrip())
        command.stdout.flush()

    how = Options(
        simulated=bool(options["simulated"]), fast=bool(options["fast"]),
        deliver=bool(options["deliver"]), url=str(options["url"]),
    )  # fmt: skip
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    results = Runner(main.store, how, tell).run(wanted)
    for result in results:
        write_down(command, main, result, is_delivered=how.deliver)
    for line in summary(results, time.monotonic() - began):
        command.stdout.write(line)
    unreal = [each.rule for each in results if each.fell_back]
    if unreal:
        command.stdout.write(f"only simulated, for no server: {', '.join(unreal)}")
    is_whole = len(results) == len(wanted) and all(each.is_whole for each in results)
    return is_whole and not (unreal and options["require_real"])


def chosen(known: Sequence[Rule], names: list[str], *, everything: bool) -> list[Rule]:
    """The rules of these names."""
    by_name = {rule.name: rule for rule in known}
    wanted = list(by_name) if everything else names
    unknown = [name for name in wanted if name not in by_name]
    if unknown or not wanted:
        raise SpotterError(
            f"{', '.join(unknown) or 'No rule'}: name rules, or --all. There are: "
            f"{', '.join(sorted(by_name))}."
        )
    return [by_name[name] for name in wanted]


def write_down(
    command: BaseCommand, main: Book, result: Result, *, is_delivered: bool
) -> None:
    """When it was drilled, and how; nothing else of a drill is kept."""
    kind = SUCCESS if result.is_whole else FAILURE
    body = {"form": result.form, "is_delivered": is_delivered}
    ping = Ping(name=JOB + result.rule, kind=kind, at=time.time(), body=body)
    try:
        with main.writing() as page:
            page.ping(ping)
    except StoreError as error:
        command.stderr.write(f"the drill of {result.rule} is not written down: {error}")


def summary(results: Sequence[Result], seconds: float) -> list[str]:
    """A table of times, in seconds since the fault, and the outcome in a line."""
    head = ("RULE", "FORM", "MEASURED", "FIRING", "TOLD", "RESOLVED", "ENDED")
    rows = [head, *(row(each) for each in results)]
    widths = [max(len(line[n]) for line in rows) for n in range(len(head))]
    lines = [
        "  ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)).rstrip()
        for line in rows
    ]
    missing = [each.rule for each in results if not each.is_whole]
    return [
        *lines,
        f"{len(results) - len(missing)} of {len(results)} drills reached everybody in "
        f"{seconds:.0f} s" + (f"; not {', '.join(missing)}" if missing else ""),
    ]


def row(result: Result) -> tuple[str, ...]:
    """One rule's line."""
    times = (
        result.after("measured"),
        result.after("firing"),
        result.after("trigger"),
        result.after("resolved"),
        result.after("resolve"),
    )
    written = (NONE if each is None else f"{each:.1f}" for each in times)
    return (result.rule, result.form or NONE, *written)
