"""System checks of what the settings say of alerting."""

from __future__ import annotations

import collections
import os
from typing import Any

from django.core import checks

from spotter import conf
from spotter.alerts.book import Book
from spotter.alerts.heartbeats import Heartbeat
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.channels import Channel
from spotter.probes import Monitor
from spotter.stores.sqlite import MEMORY, SqliteStore

KINDS = (
    ("channels", Channel, "spotter.channels.Channel", "spotter.E060"),
    ("monitors", Monitor, "spotter.probes.Monitor", "spotter.E061"),
    ("heartbeats", Heartbeat, "spotter.alerts.heartbeats.Heartbeat", "spotter.E062"),
)
SECONDS = ("watch_seconds", "probe_seconds")


@checks.register("spotter")
def check_instances(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse what is no channel, monitor or heartbeat, and two of one name: E060-E062."""
    found: list[checks.CheckMessage] = []
    for name, kind, path, id_ in KINDS:
        given = list(getattr(conf.get_settings(), name))
        found += [
            checks.Error(
                f"{name.upper()} has {each!r}, which is no {kind.__name__.lower()}.",
                hint=f"List instances of {path}.",
                id=id_,
            )
            for each in given
            if not isinstance(each, kind)
        ]
        names = collections.Counter(str(getattr(each, "name", "")) for each in given)
        found += [
            checks.Error(
                f"{name.upper()} has {count} of the name {each!r}.",
                hint="Give each a name of its own.",
                id=id_,
            )
            for each, count in names.items()
            if count > 1
        ]
    return found


@checks.register("spotter")
def check_channels(**kwargs: Any) -> list[checks.CheckMessage]:
    """Tell what a channel lacks: `spotter.W063`."""
    return [
        checks.Warning(
            f"The channel {each.name!r} can't send: {problem}.",
            hint="Nobody would be told. `manage.py spotter notify` sends a test.",
            id="spotter.W063",
        )
        for each in conf.get_settings().channels
        if isinstance(each, Channel)
        for problem in (*each.problems(os.environ), *each.routing_problems())
    ]


@checks.register("spotter")
def check_rules(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse a wrong rule or change of one: `spotter.E064`."""
    settings = conf.get_settings()
    book = Book(SqliteStore(MEMORY))
    known = {rule.name for rule in shipped(lambda: book)}
    problems = [problem_of(each, known) for each in settings.rules]
    problems += [
        f"RULES_OFF has {name!r}, which is no rule" for name in settings.rules_off if name not in known
    ]  # fmt: skip
    return [
        checks.Error(
            f"{problem}.", hint=f"Shipped rules: {', '.join(sorted(known))}.", id="spotter.E064"
        )
        for problem in problems
        if problem
    ]  # fmt: skip


def problem_of(given: object, known: set[str]) -> str:
    """What is wrong with an entry of RULES; "" when nothing is."""
    if isinstance(given, Rule):
        return duration_problem(given.name, vars_of(given))
    if not isinstance(given, dict):
        return f"RULES has {given!r}, which is neither a Rule nor a dict with a name"
    if given.get("name") not in known:
        return f"RULES changes {given.get('name')!r}, which is no shipped rule"
    unknown = set(given) - set(Rule.__dataclass_fields__)
    if unknown:
        return (
            f"RULES gives {given['name']} {sorted(unknown)}, which a rule does not have"
        )
    return duration_problem(str(given["name"]), given)


def vars_of(rule: Rule) -> dict[str, object]:
    """A rule's fields."""
    return {name: getattr(rule, name) for name in Rule.__dataclass_fields__}


def duration_problem(name: str, given: dict[str, object]) -> str:
    """Whether a number is none."""
    for field in ("for_", "keep_firing_for", "every", "threshold", "no_data_after"):
        value = given.get(field, 0.0)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        is_wrong = not is_number or (field != "threshold" and float(str(value)) < 0)
        if is_wrong:
            return f"RULES gives {name} {field} = {value!r}, which must be a number of 0 or more"
    return ""


@checks.register("spotter")
def check_intervals(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse an interval that is no number above 0: `spotter.E065`."""
    settings = conf.get_settings()
    return [
        checks.Error(
            f"{name.upper()} is {getattr(settings, name)!r}; it must be a number of "
            "seconds above 0.",
            hint=f"SPOTTER = {{{name.upper()!r}: {getattr(conf.Settings(), name)}}}",
            id="spotter.E065",
        )
        for name in SECONDS
        if not conf.is_duration(getattr(settings, name))
    ]
