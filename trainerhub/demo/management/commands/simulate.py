"""A week of a trainer's customers in minutes, against the running server."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import math
import os
import pathlib
import socket
import urllib.parse
from argparse import ArgumentTypeError
from typing import IO, Any, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from trainerhub.demo import logins
from trainerhub.demo.faults import FAULTS
from trainerhub.demo.simulation import crowd, display, people
from trainerhub.demo.simulation.browser import Plan
from trainerhub.demo.simulation.ledger import Ledger

CONNECT_SECONDS = 3.0


def above_zero(text: str) -> float:
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise ArgumentTypeError(f"{text} is not a number above 0")
    return value


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text} is not from 0 to 1")
    return value


def count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 10_000_000:
        raise ArgumentTypeError(f"{text} is not from 1 to 10000000")
    return value


def crowd_size(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 256:
        raise ArgumentTypeError(f"{text} is not from 1 to 256")
    return value


class Command(BaseCommand):
    help = (
        "Send the traffic of a week, compressed into --duration, to a server that "
        "shares this command's settings; end with 1 when an answer was not the right "
        "one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        port = os.environ.get("PORT") or "8000"
        add("--url", default=f"http://127.0.0.1:{port}", help="default: %(default)s")
        add(
            "--rate",
            type=above_zero,
            default=20.0,
            help="requests a second, on average",
        )
        add("--duration", type=above_zero, default=60.0, help="seconds for the week")
        add("--requests", type=count, help="stop after so many")
        add(
            *("--users", "--concurrency"),
            type=crowd_size,
            default=8,
            help="people who act at once",
        )
        add("--seed", type=int, help="repeat the same draw of actions")
        add(
            "--fault",
            action="append",
            default=[],
            choices=sorted(FAULTS),
            help="make the server misbehave; may be given several times",
        )
        add(
            "--fault-share",
            type=share,
            default=0.1,
            help="share of the requests that ask for a fault, 0 to 1",
        )
        add("--json", type=pathlib.Path, metavar="FILE", help="write every request")
        add(
            "--allow-remote",
            action="store_true",
            help="allow a server that is not on this machine",
        )

    def handle(self, **options: Any) -> None:
        refuse_unfit_target(options["url"], allow_remote=options["allow_remote"])
        refuse_faults_that_are_off(options["fault"])
        plan = Plan(
            rate=options["rate"],
            duration_seconds=options["duration"],
            request_limit=options["requests"],
            faults=tuple(options["fault"]),
            fault_share=options["fault_share"],
            users=options["users"],
        )
        # Django's wrapper has what rich needs of a file.
        console = Console(file=cast(IO[str], self.stdout))
        ledger, is_reachable = self.run_plan(plan, console, options)
        display.show_summary(console, ledger)
        if options["json"]:
            write(options["json"], ledger)
        judge(ledger, is_reachable=is_reachable, url=options["url"])

    def run_plan(
        self, plan: Plan, console: Console, options: dict[str, Any]
    ) -> tuple[Ledger, bool]:
        known = logins.load()
        if not known:
            raise CommandError(
                f"there is no {logins.path()}: run `make run` or "
                "`manage.py seed_demo` first, with the same TRAINERHUB_HOME"
            )
        try:
            with people.gathered(known) as crowd_of:
                return asyncio.run(
                    crowd.simulate(
                        options["url"],
                        plan,
                        crowd_of,
                        options["seed"],
                        display.watcher(console),
                    )
                )
        except people.NobodyError:
            raise CommandError(
                "nobody is there to take part: run `manage.py seed_demo` first"
            ) from None
        except KeyboardInterrupt:
            raise CommandError("stopped", returncode=130) from None


def refuse_unfit_target(url: str, *, allow_remote: bool) -> None:
    """Stop before a request was sent to a server that is not ours, or not there."""
    if settings.PRODUCTION:
        raise CommandError(
            "TRAINERHUB_ENVIRONMENT is production: made-up customers would book real "
            "hours. Simulate on a copy."
        )
    parts = urllib.parse.urlsplit(url)
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        port = 0
    if not port or not parts.hostname:
        raise CommandError(f"{url!r} is no address; write http://127.0.0.1:8000")
    if not allow_remote and not is_loopback(parts.hostname):
        raise CommandError(
            f"{parts.hostname} is another machine; --allow-remote, if it is yours"
        )
    try:
        socket.create_connection((parts.hostname, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise CommandError(
            f"nothing answers at {url} ({error.strerror or error}): start it with "
            "`make run`, or name another one with --url"
        ) from error


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_faults_that_are_off(faults: list[str]) -> None:
    if faults and not settings.FAULTS_ENABLED:
        raise CommandError("faults are off: start the server with TRAINERHUB_FAULTS=1")


def write(path: pathlib.Path, ledger: Ledger) -> None:
    try:
        path.write_text(json.dumps(ledger.document(), indent=1))
    except OSError as error:
        raise CommandError(f"could not write {path}: {error.strerror}") from error


def judge(ledger: Ledger, *, is_reachable: bool, url: str) -> None:
    """End with an error when the server was not as it should be."""
    if not is_reachable:
        raise CommandError(f"{url} stopped answering")
    if ledger.ignored_faults:
        raise CommandError(
            f"the server ignored {', '.join(ledger.ignored_faults)}: does it run with "
            "this SECRET_KEY, and with TRAINERHUB_FAULTS not 0?"
        )
    if not ledger.is_clean:
        raise CommandError(f"{ledger.surprise_count} answers were unexpected")
