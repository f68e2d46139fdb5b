"""`manage.py spotter rules test`: a file's series, or what was recorded, through the rules."""

from __future__ import annotations

import dataclasses
import datetime
import math
import pathlib
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand

from spotter.alerts import trial, trial_file
from spotter.alerts.book import Book
from spotter.alerts.expressions import Asked
from spotter.alerts.machine import State
from spotter.alerts.records import Alert
from spotter.alerts.rules import Rule, written
from spotter.alerts.trial import Firing, Trial
from spotter.alerts.trial_file import Expectation, Test
from spotter.alerts.watcher import configured_rules
from spotter.channels.notice import clock
from spotter.exceptions import SpotterError
from spotter.stores.current import get_store
from spotter.stores.sqlite import MEMORY, SqliteStore

HELP = (
    "run rules over a file's series or over what was recorded; exit 1 when a test fails"
)
#: What a trial may change: numbers, and which way is bad.
FIELDS = ("threshold", "clear", "for_", "keep_firing_for")
UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}
#: How often a replay evaluates: as finely as the store still knows that time.
FINE_SECONDS, FINE_FOR, COARSE_SECONDS, LONGEST = 30.0, 3600.0, 60.0, 86400.0
MAX_SHOWN = 20


def run(command: BaseCommand, **options: Any) -> bool:
    """Test files, or replay; False when a test fails."""
    book = Book(SqliteStore(MEMORY))
    rules = {rule.name: rule for rule in configured_rules(lambda: book)}
    changes = parsed(options["set"])
    if options["recorded"]:
        if options["files"]:
            raise SpotterError("Give files or --recorded, not both.")
        return replay(command, chosen(rules, options["rule"]), changes, options)
    if not options["files"]:
        raise SpotterError("Name a file of tests, or replay the past: --recorded 24h.")
    results = [
        result
        for path in options["files"]
        for result in run_file(command, path, rules, changes)
    ]
    command.stdout.write(f"{sum(results)} of {len(results)} tests passed")
    return all(results)


def parsed(given: Sequence[str]) -> dict[str, Any]:
    """`threshold=0.02` as fields of a rule."""
    changes: dict[str, Any] = {}
    for each in given:
        name, _, text = each.partition("=")
        name = "for_" if name == "for" else name
        try:
            changes[name] = float(text)
        except ValueError as error:
            raise SpotterError(f"--set {each}: write FIELD=NUMBER.") from error
    known(changes)
    return changes


def known(changes: Mapping[str, Any]) -> None:
    """Refuse what is no field of a rule that can be changed."""
    for name, value in changes.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if name not in FIELDS or not is_number or not math.isfinite(value):
            raise SpotterError(
                f"{name} = {value!r} can't be set; numbers for {', '.join(FIELDS)} can."
            )


def chosen(rules: Mapping[str, Rule], names: Sequence[str]) -> list[Rule]:
    """The rules named; all that look at measurements when none are."""
    for name in names:
        rule = find(rules, name)
        if isinstance(rule.expression, Asked):
            raise SpotterError(
                f"{name} asks Spotter's book as it is now; its past is not recorded."
            )
    return [
        rule
        for rule in rules.values()
        if (rule.name in names if names else not isinstance(rule.expression, Asked))
    ]


def find(rules: Mapping[str, Rule], name: str) -> Rule:
    """A rule by its name."""
    if name not in rules:
        raise SpotterError(f"There is no rule {name!r}; there are {', '.join(rules)}.")
    return rules[name]


# Files.


def run_file(
    command: BaseCommand,
    path: pathlib.Path,
    rules: Mapping[str, Rule],
    changes: Mapping[str, Any],
) -> list[bool]:
    """Each test's result, printed."""
    results = []
    for test in trial_file.read(path):
        known(test.changes)
        rule = find(rules, test.rule)
        rule = dataclasses.replace(rule, **{**test.changes, **changes})
        wrong = failures(test, rule)
        command.stdout.write(f"{'FAILED' if wrong else 'ok    '} {test.name}")
        for line in wrong:
            command.stdout.write(f"         {path}:{test.line}: {line}")
        results.append(not wrong)
    return results


def failures(test: Test, rule: Rule) -> list[str]:
    """What was expected and is not so."""
    one = Trial(rule, test.series, test.interval)
    due = list(test.expect)
    found: list[str] = []
    try:
        for after, alerts in instants(one, due[-1].at):
            while due and due[0].at < after + trial.STEP:
                found += unmet(due.pop(0), alerts, rule)
    finally:
        one.close()
    return found


def instants(one: Trial, until: float) -> list[tuple[float, list[Alert]]]:
    """Every instant with the alerts at it."""
    found: list[tuple[float, list[Alert]]] = []
    for each in one.run(until):
        if isinstance(each, float):
            found.append((each, []))
        else:
            found[-1][1].append(each.alert)
    return found


def unmet(expected: Expectation, alerts: Sequence[Alert], rule: Rule) -> list[str]:
    """Why an expectation is not met; [] when it is."""
    mine = [a for a in alerts if expected.labels.items() <= dict(a.labels).items()]
    at = f"after {expected.at:g} s"
    states = sorted({str(alert.status.state) for alert in mine}) or [State.INACTIVE]
    wrong = []
    if expected.state and states != [expected.state]:
        wrong.append(f"{at} it is {' and '.join(states)}, not {expected.state}")
    values = [a.value for a in mine if a.value is not None]
    if expected.value is not None and not any(
        math.isclose(value, expected.value, rel_tol=1e-6) for value in values
    ):
        shown = ", ".join(written(v, rule.unit) for v in values) or "nothing"
        wrong.append(
            f"{at} its value is {shown}, not {written(expected.value, rule.unit)}"
        )
    if expected.text and not any(expected.text in a.text for a in mine):
        shown = "; ".join(a.text for a in mine if a.text) or "nothing"
        wrong.append(f"{at} it says {shown!r}, not {expected.text!r}")
    return wrong


# The past.


def replay(
    command: BaseCommand,
    rules: Sequence[Rule],
    changes: Mapping[str, Any],
    options: Mapping[str, Any],
) -> bool:
    """Tell of each rule when it would have fired; True."""
    start, end = stretch(options["recorded"], options["until"], time.time())
    step = FINE_SECONDS if start >= time.time() - FINE_FOR else COARSE_SECONDS
    store = get_store()
    command.stdout.write(
        f"from {clock(start)} to {clock(end)}, looking every {step:g} s"
    )
    for rule in rules:
        mine = dataclasses.replace(rule, **changes)
        found = trial.firings(mine, store, start, end, step)
        tell(command, mine, found, end)
    return True


def stretch(begin: str, until: str | None, now: float) -> tuple[float, float]:
    """Two instants: so long ago and now, or as they are written."""
    end = instant(until) if until else now
    match = re.fullmatch(r"(\d+)([mhd])", begin)
    start = end - int(match[1]) * UNITS[match[2]] if match else instant(begin)
    if not start < end <= now + 1:
        raise SpotterError(
            "What is replayed must begin before it ends, and in the past."
        )
    if now - start > LONGEST + COARSE_SECONDS:
        raise SpotterError(
            "The store knows single minutes of the last day; replay those."
        )
    return start, end


def instant(text: str) -> float:
    """An ISO 8601 time; UTC where it names no zone."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise SpotterError(
            f"{text!r} is no time; write 24h, 90m, 1d or 2026-01-31T12:00."
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp()


def tell(command: BaseCommand, rule: Rule, found: Sequence[Firing], end: float) -> None:
    """How often it would have fired, and each time."""
    times = f"{len(found)} time{'' if len(found) == 1 else 's'}"
    sign = "<" if rule.below else ">"
    command.stdout.write(
        f"{rule.name} ({sign} {written(rule.threshold, rule.unit)} for "
        f"{rule.for_:g} s): would have fired {times if found else 'never'}"
    )
    for each in found[:MAX_SHOWN]:
        until = (
            "and still would" if each.until is None else f"until {clock(each.until)}"
        )
        minutes = ((each.until or end) - each.since) / 60
        command.stdout.write(
            f"  from {clock(each.since)} {until}, {minutes:.0f} min, "
            f"at worst {written(each.worst, rule.unit)}: {each.text}"
        )
    if len(found) > MAX_SHOWN:
        command.stdout.write(f"  and {len(found) - MAX_SHOWN} times more")
