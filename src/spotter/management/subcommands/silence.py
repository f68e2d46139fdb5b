"""`manage.py spotter silence …`: mute alerts from a deploy script, list, end."""

from __future__ import annotations

import argparse
import time

from django.core.management.base import BaseCommand

from spotter.alerts.matchers import written
from spotter.alerts.records import MAINTENANCE, Silence
from spotter.alerts.responses import audit, respond
from spotter.alerts.silencing import INCIDENT, OWN, TOMORROW
from spotter.channels.notice import clock
from spotter.exceptions import SpotterError
from spotter.management.subcommands.status import book
from spotter.privacy import scrub_text

HELP = "mute alerts, list what is muted, end a silence"
PAST_SECONDS = 90 * 86400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add, list, end."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_parser = actions.add_parser("add", help="mute what matches; prints its number")
    add_parser.add_argument(
        "matchers",
        nargs="+",
        metavar="MATCHER",
        help="such as rule=HighCPU or 'host.name=~web-.+'; all must hold",
    )
    add_parser.add_argument("--reason", required=True, help="why; people read it")
    end = add_parser.add_mutually_exclusive_group(required=True)
    end.add_argument("--for", dest="length", metavar="AGE", help="such as 30m or 4h")
    end.add_argument("--until", metavar="TIME", help="a time in UTC, or `morning`")
    end.add_argument("--until-incident", metavar="ID", help="as long as it is open")
    add_parser.add_argument("--from", dest="starts", metavar="TIME", default="")
    add_parser.add_argument(
        "--maintenance", action="store_true", help="call it a maintenance window"
    )
    author(add_parser)
    add_parser.set_defaults(run=add)
    list_parser = actions.add_parser(
        "list", help="what is muted; exit 1 when nothing is"
    )
    list_parser.add_argument(
        "--all", action="store_true", help="those that are over, of 90 days, too"
    )
    list_parser.set_defaults(run=list_)
    end_parser = actions.add_parser("end", help="end one before its time")
    end_parser.add_argument("id", help="its number")
    author(end_parser)
    end_parser.set_defaults(run=end_)


def author(parser: argparse.ArgumentParser) -> None:
    """Who does it."""
    parser.add_argument(
        "--author",
        default="the command line",
        help="who mutes: a name, a script (default: the command line)",
    )


def run(command: BaseCommand, **options: object) -> bool:
    """Never reached: an action is required, and brings its own `run`."""
    raise NotImplementedError


def add(
    command: BaseCommand,
    *,
    matchers: list[str],
    reason: str,
    length: str | None = None,
    until: str | None = None,
    until_incident: str | None = None,
    starts: str = "",
    maintenance: bool = False,
    author: str = "",
    **options: object,
) -> bool:
    """Write it down and print its number alone, for `spotter silence end`."""
    fields = {"matchers": ", ".join(matchers), "reason": reason, "starts": starts}
    if length is not None:
        fields["until"] = length
    elif until_incident is not None:
        fields |= {"until": INCIDENT, "incident": until_incident}
    elif until == TOMORROW:
        fields["until"] = TOMORROW
    else:
        fields |= {"until": OWN, "ends": until or ""}
    if maintenance:
        fields["kind"] = MAINTENANCE
    said = done("silence", fields, author)
    command.stdout.write(next(word for word in said.split() if word.isdigit()))
    command.stderr.write(f"{said}: {fields['matchers']}")
    return True


def end_(command: BaseCommand, *, id: str, author: str = "", **options: object) -> bool:
    """End it."""
    command.stderr.write(done("unsilence", {"silence": id}, author))
    return True


def done(action: str, fields: dict[str, str], author: str) -> str:
    """Do it as an author, and write down who did it."""
    actor = scrub_text(" ".join(author.split()))[:100]
    if not actor:
        raise SpotterError("--author must say who it is.")
    with book().writing() as page:
        said = respond(page, action, fields, actor, time.time())
    audit.info("%s %s", actor, said)
    return said


def list_(command: BaseCommand, *, all: bool = False, **options: object) -> bool:
    """Print those that hold or will; False when there is none."""
    now = time.time()
    with book().reading() as page:
        found = page.silences(now - PAST_SECONDS if all else now)
    for each in found:
        command.stdout.write(line(each, now))
    return bool(found)


def line(silence: Silence, now: float) -> str:
    """One silence in a line."""
    state = "active" if silence.is_on(now) else "over"
    if silence.starts_at > now:
        state = "to come"
    end = (
        f"incident {silence.incident} ends"
        if silence.incident
        else clock(silence.ends_at)
    )
    return (
        f"{silence.id}  {state}  {silence.kind}  {written(silence.matchers)}  from "
        f"{clock(silence.starts_at)} until {end}  {silence.author}: {silence.reason}"
    )
