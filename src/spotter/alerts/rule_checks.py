"""System checks of the rules that a project changes, adds and turns off."""

from __future__ import annotations

import collections
import dataclasses
import difflib
import math
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core import checks

from spotter import conf
from spotter.alerts.book import Book
from spotter.alerts.rules import Rule, Severity
from spotter.alerts.shipped import shipped
from spotter.catalog import METRICS
from spotter.stores.sqlite import MEMORY, SqliteStore

#: Those that are lengths of time.
DURATIONS = ("for_", "keep_firing_for", "every", "no_data_after", "stale_after")
NUMBERS = ("threshold", "clear", *DURATIONS)
PLACEHOLDERS = ("value", "note", "labels")
FIELDS = tuple(field.name for field in dataclasses.fields(Rule))
NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
#: What Spotter's own metrics begin with: what begins so and is none is misspelt.
FAMILIES = frozenset(name.partition(".")[0] for name in METRICS)
#: How alike two words must be for one to be a slip of the other.
ALIKE = 0.85


@checks.register("spotter")
def check_rules(**kwargs: Any) -> list[checks.CheckMessage]:
    """Tell what is wrong with RULES and RULES_OFF: E064, E066-E069, E100-E104, W105."""
    settings = conf.get_settings()
    book = Book(SqliteStore(MEMORY))
    known = {rule.name: rule for rule in shipped(lambda: book)}
    names = {*known, *(each.name for each in settings.rules if isinstance(each, Rule))}
    found = [
        problem
        for each in settings.rules
        for problem in problems_of_entry(each, known, names)
    ]
    return [
        *found,
        *twice(settings.rules),
        *problems_of_names(conf.as_written().rules_off or (), names),
    ]


def problems_of_entry(
    given: object, known: Mapping[str, Rule], names: set[str]
) -> Iterator[checks.CheckMessage]:
    """What is wrong with one entry of RULES."""
    if isinstance(given, Rule):
        yield from problems_of_rule(given, names)
        return
    if not isinstance(given, dict) or "name" not in given:
        yield checks.Error(
            f"RULES has {given!r}, which is neither a Rule nor a dict with a name.",
            hint='RULES: [{"name": "HighCPU", "threshold": 0.9}, Rule(name="…", …)]',
            id="spotter.E064",
        )
        return
    rule = known.get(str(given["name"]))
    if rule is None:
        yield checks.Error(
            f"RULES changes {given['name']!r}, which is no shipped rule.",
            hint=meant(str(given["name"]), list(known)),
            id="spotter.E064",
        )
        return
    changes = {name: value for name, value in given.items() if name in FIELDS}
    for name in given.keys() - changes.keys():
        yield checks.Error(
            f"RULES gives {rule.name} {name!r}, which a rule does not have.",
            hint=meant(str(name), FIELDS),
            id="spotter.E066",
        )
    yield from problems_of_rule(dataclasses.replace(rule, **changes), names)


def problems_of_rule(rule: Rule, names: set[str]) -> Iterator[checks.CheckMessage]:
    """What is wrong with a rule as it would be."""
    yield from problems_of_numbers(rule)
    if rule.severity not in list(Severity):
        yield checks.Error(
            f"The rule {rule.name} has the severity {rule.severity!r}.",
            hint=f"It is one of {', '.join(Severity)}.",
            id="spotter.E069",
        )
    for name in strange_placeholders(rule.summary):
        yield checks.Error(
            f"The summary of the rule {rule.name} asks for {{{name}}}, which there is not.",
            hint=f"There are {', '.join(f'{{{each}}}' for each in PLACEHOLDERS)}; "
            "a brace itself is written twice.",
            id="spotter.E100",
        )
    for name in causes(rule):
        if name not in names:
            yield checks.Error(
                f"The rule {rule.name} is because of {name!r}, which is no rule.",
                hint=meant(str(name), sorted(names)),
                id="spotter.E101",
            )
    if not NAME.fullmatch(str(rule.name)):
        yield checks.Error(
            f"A rule is called {rule.name!r}, which is not in CamelCase.",
            hint="Letters and digits, the first a capital: QueueLong. Prometheus, "
            "silences and runbooks know it by this name.",
            id="spotter.E102",
        )
    yield from problems_of_metric(rule)


def problems_of_numbers(rule: Rule) -> Iterator[checks.CheckMessage]:
    """Whether its numbers are some, and the second limit lies where it can be reached."""
    is_whole = True
    for field in NUMBERS:
        value = getattr(rule, field)
        if field == "clear" and value is None:
            continue
        if not is_number(value) or (field in DURATIONS and value < 0):
            is_whole = False
            kind = (
                "a number of seconds, 0 or more" if field in DURATIONS else "a number"
            )
            yield checks.Error(
                f"The rule {rule.name} has {field} = {value!r}.",
                hint=f"It must be {kind}.",
                id="spotter.E067",
            )
    if not is_whole or rule.clear is None:
        return
    if rule.clear < rule.threshold if rule.below else rule.clear > rule.threshold:
        side = "above" if rule.below else "below"
        yield checks.Error(
            f"The rule {rule.name} begins at {rule.threshold:g} and would end at "
            f"{rule.clear:g}: what fires would cease at once.",
            hint=f"`clear` must be {side} the threshold, or None to end where it begins.",
            id="spotter.E068",
        )


def is_number(value: object) -> bool:
    """Whether it is a finite number."""
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_one and math.isfinite(float(str(value)))


def strange_placeholders(summary: str) -> list[str]:
    """What a summary asks for that there is not."""
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(summary)]
    except (ValueError, TypeError) as error:
        return [str(error)]
    return [name for name in fields if name is not None and name not in PLACEHOLDERS]


def causes(rule: Rule) -> Sequence[str]:
    """What explains it; a text instead of a tuple is one name, not its letters."""
    given: object = rule.because_of
    return (given,) if isinstance(given, str) else rule.because_of


def problems_of_metric(rule: Rule) -> Iterator[checks.CheckMessage]:
    """Whether it looks at something that nobody measures."""
    name = getattr(rule.expression, "name", None)
    if not isinstance(name, str) or name in METRICS:
        return
    near = difflib.get_close_matches(name, METRICS, n=1, cutoff=ALIKE)
    if near or name.partition(".")[0] in FAMILIES:
        yield checks.Warning(
            f"The rule {rule.name} looks at {name!r}, which Spotter does not measure.",
            hint=f"{meant(name, list(METRICS))} A project's own metric is best called "
            "by the project's name, as shop.orders.placed.",
            id="spotter.W105",
        )


def twice(given: Sequence[object]) -> Iterator[checks.CheckMessage]:
    """Rules of one name, of which the last would replace the others."""
    names = collections.Counter(each.name for each in given if isinstance(each, Rule))
    for name, count in names.items():
        if count > 1:
            yield checks.Error(
                f"RULES has {count} rules of the name {name!r}.",
                hint="Give each a name of its own; the last one would replace the others.",
                id="spotter.E103",
            )


def problems_of_names(
    given: Sequence[object], names: set[str]
) -> Iterator[checks.CheckMessage]:
    """Whether RULES_OFF turns off what there is."""
    if isinstance(given, str):
        yield checks.Error(
            f"RULES_OFF is the text {given!r}; it must be a list of names.",
            hint=f"RULES_OFF: [{given!r}]",
            id="spotter.E104",
        )
        return
    for name in given:
        if name not in names:
            yield checks.Error(
                f"RULES_OFF has {name!r}, which is no rule.",
                hint=meant(str(name), sorted(names)),
                id="spotter.E104",
            )


def meant(name: str, known: Sequence[str]) -> str:
    """Which name was probably meant."""
    lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    if near:
        return f"Did you mean {lower[near[0]]!r}?"
    shown = ", ".join(known[:30])
    return f"There are: {shown}."
