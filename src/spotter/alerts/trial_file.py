"""
Files of rule tests: TOML, with series as promtool has them.

https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from spotter.alerts.machine import State
from spotter.alerts.trial import Given
from spotter.exceptions import SpotterError

#: Samples of one series: a week of minutes, so that a slip of the finger ends.
MAX_SAMPLES = 10_080
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?"
PART = re.compile(
    rf"(?P<none>_|stale)(?:x(?P<nones>\d+))?"
    rf"|(?P<start>{NUMBER})(?:(?P<step>[+-]{NUMBER.removeprefix('-?')})?x(?P<times>\d+))?"
)
SERIES = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?:\{(?P<labels>.*)\})?")
LABEL = re.compile(r'\s*([A-Za-z_][\w.]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
STATES = tuple(str(state) for state in State)


class TrialFileError(SpotterError):
    """A file of rule tests that can't be understood, with the place."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is to be at an instant, in seconds; None where anything may be."""

    at: float
    state: str
    value: float | None = None
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    text: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One `[[test]]`; `changes` are fields of the rule for this test alone."""

    name: str
    rule: str
    line: int
    interval: float
    changes: Mapping[str, Any]
    series: Sequence[Given]
    expect: Sequence[Expectation]


def read(path: pathlib.Path) -> list[Test]:
    """Every test of a file; raises TrialFileError."""
    try:
        text = path.read_text()
        document = tomllib.loads(text)
    except OSError as error:
        raise TrialFileError(f"{path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise TrialFileError(f"{path} is no TOML: {error}.") from error
    tests = document.get("test")
    lines = places(text)
    if not isinstance(tests, list) or not tests or set(document) - {"test"}:
        raise TrialFileError(
            f"{path} must consist of [[test]] tables; see docs/howto/test-a-rule.md."
        )
    return [Reader(path, line).test(each) for each, line in zip(tests, lines, strict=True)]  # fmt: skip


def places(text: str) -> list[int]:
    """The line of each test."""
    return [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip().replace(" ", "").startswith("[[test]]")
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class Reader:
    """Makes a test of a table, or says where and why it can't."""

    path: pathlib.Path
    line: int

    def wrong(self, why: str) -> TrialFileError:
        """The error of something in this test."""
        return TrialFileError(f"{self.path}, the test in line {self.line}: {why}.")

    def test(self, table: Mapping[str, Any]) -> Test:
        """One test."""
        known = ("name", "rule", "interval", "set", "series", "expect")
        self._only(table, known, "a test")
        rule = self._text(table, "rule")
        expect = [self._expectation(each) for each in self._tables(table, "expect")]
        if not expect:
            raise self.wrong("it expects nothing: add [[test.expect]]")
        changes = table.get("set", {})
        if not isinstance(changes, dict):
            raise self.wrong(
                f"set is {changes!r}; it must be a table of a rule's fields"
            )
        return Test(
            name=str(table.get("name", rule)),
            rule=rule,
            line=self.line,
            interval=self._duration(table.get("interval", "1m"), "interval") or 60.0,
            changes=changes,
            series=[self._series(each) for each in self._tables(table, "series")],
            expect=sorted(expect, key=lambda each: each.at),
        )  # fmt: skip

    def _only(self, table: Mapping[str, Any], known: Sequence[str], what: str) -> None:
        if strange := sorted(set(table) - set(known)):
            raise self.wrong(f"{what} has no {strange[0]!r}; it has {', '.join(known)}")

    def _text(self, table: Mapping[str, Any], name: str) -> str:
        value = table.get(name)
        if not isinstance(value, str) or not value:
            raise self.wrong(f"{name} is {value!r}; it must be a text")
        return value

    def _tables(self, table: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
        found = table.get(name, [])
        if not isinstance(found, list) or not all(isinstance(e, dict) for e in found):
            raise self.wrong(f"{name} must be written as [[test.{name}]]")
        return found

    def _duration(self, value: object, name: str) -> float:
        """Seconds; "90s", "5m", "1h30m" or a number."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        parts = re.findall(r"(\d+)([smhd])", str(value))
        if not parts or "".join(a + b for a, b in parts) != value:
            raise self.wrong(f"{name} is {value!r}; write it as 30s, 5m, 1h30m")
        return sum(int(amount) * UNITS[unit] for amount, unit in parts)

    def _series(self, table: Mapping[str, Any]) -> Given:
        self._only(table, ("series", "values", "seconds"), "a series")
        text = self._text(table, "series")
        seconds = table.get("seconds", 0.01)
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
            raise self.wrong(f"seconds is {seconds!r}; it must be a number")
        match = SERIES.fullmatch(text.strip())
        if match is None:
            raise self.wrong(
                f'the series {text!r} is none; write name{{label="value"}}'
            )
        return Given(
            name=match["name"],
            labels=self._labels(match["labels"] or "", text),
            values=self._values(self._text(table, "values")),
            seconds=float(seconds),
        )  # fmt: skip

    def _labels(self, text: str, series: str) -> dict[str, str]:
        found, at = {}, 0
        while at < len(text):
            match = LABEL.match(text, at)
            if match is None:
                raise self.wrong(f"the labels of {series!r} are wrong at {text[at:]!r}")
            found[match[1]] = re.sub(r"\\(.)", r"\1", match[2])
            at = match.end()
        return found

    def _values(self, text: str) -> list[float | None]:
        """`1 2 3`, `0+10x5` for 0 10 … 50, `1x3` for 1 1 1 1, `_` and `stale`."""
        values: list[float | None] = []
        for part in text.split():
            match = PART.fullmatch(part)
            if match is None:
                raise self.wrong(
                    f"the value {part!r} is none; see the notation of promtool"
                )
            if int(match["times"] or match["nones"] or 0) > MAX_SAMPLES:
                raise self.wrong(
                    f"{part!r} has too many samples; {MAX_SAMPLES} are allowed"
                )
            values += expanded(match)
        if len(values) > MAX_SAMPLES:
            raise self.wrong(
                f"{text!r} has too many samples; {MAX_SAMPLES} are allowed"
            )
        return values  # fmt: skip

    def _expectation(self, table: Mapping[str, Any]) -> Expectation:
        self._only(table, ("at", "state", "value", "labels", "text"), "an expectation")
        if "at" not in table:
            raise self.wrong("an expectation must say when: at = '5m'")
        state = table.get("state", "")
        if state not in (*STATES, ""):
            raise self.wrong(f"state is {state!r}; it is one of {', '.join(STATES)}")
        value = table.get("value")
        if value is not None and not isinstance(value, (int, float)):
            raise self.wrong(f"value is {value!r}; it must be a number")
        labels = table.get("labels", {})
        if not isinstance(labels, dict):
            raise self.wrong(f"labels is {labels!r}; it must be a table")
        return Expectation(
            at=self._duration(table["at"], "at"),
            state=state,
            value=value,
            labels={str(name): str(text) for name, text in labels.items()},
            text=str(table.get("text", "")),
        )


def expanded(match: re.Match[str]) -> list[float | None]:
    """The samples that one part of a notation stands for."""
    if match["none"]:
        return [None] * int(match["nones"] or 1)
    start, step = float(match["start"]), float(match["step"] or 0.0)
    return [start + number * step for number in range(int(match["times"] or 0) + 1)]
