"""
Tests of the exported rules for `promtool test rules`: below, at and above each limit.

They are written from the rule and not from its expression, so that one that was changed
by hand, or compiled wrongly, fails them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spotter.alerts.expressions import (
    BestOf,
    Expression,
    FailedShare,
    Gauge,
    Increase,
    SlowShare,
)
from spotter.alerts.rules import Rule
from spotter.alerts.shipped.monitoring import Silence
from spotter.exporters.prometheus import INTERVAL, RULES, Target, exported
from spotter.exporters.promql import (
    count_name,
    duration,
    exposed,
    failed_by,
    selected,
    timed_by,
)
from spotter.exporters.yaml import dump

#: The time between two samples and two evaluations, in seconds.
STEP = 10
#: Events of one step: so many that a ten-thousandth of them is a whole event.
EVENTS = 10_000
#: How far from a gauge's limit is just below or above it.
NEAR = 1e-4
WHERE = "x"

#: What a series does, as (value or growth a step, number of steps) one after the other.
Course = Sequence[tuple[float, int]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is measured, and whether the rule fires at an instant."""

    name: str
    series: Mapping[str, str]
    at: int
    fires: bool


def test_file(rules: Sequence[Rule], target: Target) -> str:
    """All cases of all rules."""
    said, _ = exported(rules, target.job)
    cases = [
        written(rule, case)
        for rule in said
        for case in cases_of(rule.expression, rule, target.job)
    ]
    return dump(
        {
            "rule_files": [RULES],
            "evaluation_interval": INTERVAL,
            "tests": cases,
        },
        head=f"Run it beside {RULES}: promtool test rules <this file>",
    )


def written(rule: Rule, case: Case) -> dict[str, Any]:
    """One case as promtool reads it."""
    expression = (
        f'count(ALERTS{{alertname="{rule.name}",alertstate="firing"}}) or vector(0)'
    )
    return {
        "name": f"{rule.name}: {case.name}",
        "interval": INTERVAL,
        "input_series": [
            {"series": series, "values": values}
            for series, values in case.series.items()
        ],
        "promql_expr_test": [
            {
                "expr": expression,
                "eval_time": duration(case.at),
                "exp_samples": [{"labels": "{}", "value": int(case.fires)}],
            }
        ],
    }


@functools.singledispatch
def cases_of(expression: Expression, rule: Rule, job: str) -> Iterator[Case]:
    """Nothing is known of what a project wrote in PromQL itself."""
    return iter(())


@cases_of.register
def of_failed_share(expression: FailedShare, rule: Rule, job: str) -> Iterator[Case]:
    """Shares, and volumes of nothing but errors."""
    metric, label, prefix = failed_by(expression)
    name = count_name(metric)
    bad = selected(name, {label: f"{prefix}xx"}, job)
    good = selected(name, {label: "ok"}, job)

    def share(*courses: tuple[float, int]) -> Mapping[str, str]:
        return {
            bad: growth([(EVENTS * part, steps) for part, steps in courses]),
            good: growth([(EVENTS * (1 - part), steps) for part, steps in courses]),
        }

    yield from shares(rule, expression.window, share)
    needed = max(expression.at_least, expression.bad_at_least)
    yield from volumes(
        rule, expression.window, needed, lambda each, n: {bad: growth([(each, n)])}
    )


@cases_of.register
def of_slow_share(expression: SlowShare, rule: Rule, job: str) -> Iterator[Case]:
    """Shares, and volumes of nothing but slow ones."""
    family = exposed(timed_by(expression), "histogram")
    fast = selected(f"{family}_bucket", {"le": repr(expression.seconds)}, job)
    total = selected(f"{family}_count", {}, job)

    def share(*courses: tuple[float, int]) -> Mapping[str, str]:
        return {
            total: growth([(EVENTS, steps) for _, steps in courses]),
            fast: growth([(EVENTS * (1 - part), steps) for part, steps in courses]),
        }

    def volume(each: float, steps: int) -> Mapping[str, str]:
        return {total: growth([(each, steps)]), fast: growth([(0, steps)])}

    yield from shares(rule, expression.window, share)
    yield from volumes(rule, expression.window, expression.at_least, volume)


def shares(rule: Rule, window: float, share: Any) -> Iterator[Case]:
    """Below, at and above the limit, then between the limits, then below both."""
    steps = steps_of(2 * window + rule.for_ + 60)
    end, near = (steps - 1) * STEP, 1 / EVENTS
    limit = rule.threshold
    for name, part, fires in (
        ("below the limit", limit - near, False),
        ("at the limit", limit, False),
        ("above the limit", limit + near, True),
    ):
        yield Case(name=name, series=share((part, steps)), at=end, fires=fires)
    if rule.clear is None:
        return
    between, after = (rule.clear + limit) / 2, steps_of(window + 60)
    up = (min(1.0, 2 * limit), steps)
    for name, part, fires in (
        ("above the limit to end at, while it fires", between, True),
        ("at the limit to end at", rule.clear, False),
    ):
        at = end + after * STEP
        yield Case(name=name, series=share(up, (part, after)), at=at, fires=fires)
    yield Case(
        name="between the limits, without having fired",
        series=share((between, steps)), at=end, fires=False,
    )  # fmt: skip


def volumes(rule: Rule, window: float, needed: float, series: Any) -> Iterator[Case]:
    """A tenth too few, and enough."""
    steps = steps_of(2 * window + rule.for_ + 60)
    for name, events, fires in (
        ("too few to judge by", 0.9 * needed, False),
        ("enough to judge by", 1.1 * needed, True),
    ):
        each = events * STEP / window
        at = (steps - 1) * STEP
        yield Case(name=name, series=series(each, steps), at=at, fires=fires)


@cases_of.register
def of_gauge(expression: Gauge, rule: Rule, job: str) -> Iterator[Case]:
    """Values near the limits, and how long they must last."""
    labels = {**dict.fromkeys(expression.by, WHERE), **expression.where}
    series = selected(exposed(expression.name, "gauge"), labels, job)
    lag = expression.window if expression.mean else 0.0
    yield from levels(rule, series, lag)


@cases_of.register
def of_best(expression: BestOf, rule: Rule, job: str) -> Iterator[Case]:
    """As a gauge, two observers that disagree, and one that has looked too seldom."""
    first, second = observed(expression, expression.name, job)
    steps = steps_of(rule.for_ + 120)
    at = (steps - 1) * STEP
    sure: dict[str, str] = {}
    if expression.failures:
        times, _ = observed(expression, expression.failures, job)
        sure = {times: level([(expression.believed, steps)])}
        unsure = {times: level([(expression.believed - 1, steps)])}
        series = {first: level([(0, steps)]), **unsure}
        yield Case(name="not seen often enough", series=series, at=at, fires=False)
    for case in levels(rule, first, 0.0):
        yield dataclasses.replace(case, series={**case.series, **sure})
    series = {first: level([(0, steps)]), second: level([(1, steps)]), **sure}
    yield Case(name="one of two sees it", series=series, at=at, fires=False)


def observed(expression: BestOf, name: str, job: str) -> list[str]:
    """A gauge of two observers."""
    metric = exposed(name, "gauge")
    labels = {expression.by: WHERE, **expression.where}
    return [selected(metric, {**labels, expression.of: of}, job) for of in "ab"]


def levels(rule: Rule, series: str, lag: float) -> Iterator[Case]:
    """Below, at and above the limit; a step too short; between the limits."""
    away = NEAR * max(1.0, abs(rule.threshold)) * (-1 if rule.below else 1)
    limit, beyond = rule.threshold, rule.threshold + away
    steps = steps_of(rule.for_ + lag + 60)
    end = (steps - 1) * STEP
    for name, value, fires in (
        ("before the limit", limit - away, False),
        ("at the limit", limit, False),
        ("beyond the limit", beyond, True),
    ):
        yield Case(
            name=name, series={series: level([(value, steps)])}, at=end, fires=fires
        )
    if rule.for_ and not lag:
        for name, at, fires in (
            ("beyond the limit for a step too short", rule.for_ - STEP, False),
            ("beyond the limit for just long enough", rule.for_, True),
        ):
            values = level([(beyond, steps)])
            yield Case(name=name, series={series: values}, at=round(at), fires=fires)
    if rule.clear is None:
        return
    after = steps_of(lag + 60)
    for name, value, fires in (
        ("between the limits, while it fires", (limit + rule.clear) / 2, True),
        ("at the limit to end at", rule.clear, False),
    ):
        values = level([(beyond, steps), (value, after)])
        yield Case(
            name=name, series={series: values}, at=end + after * STEP, fires=fires
        )


@cases_of.register
def of_increase(expression: Increase, rule: Rule, job: str) -> Iterator[Case]:
    """A counter that stands still, and one that grows."""
    name = f"{exposed(expression.name, 'counter')}_total"
    series = selected(name, dict.fromkeys(expression.by, WHERE), job)
    steps = steps_of(2 * expression.window + rule.for_ + 60)
    beyond = (rule.threshold + 1) * STEP / expression.window
    for text, each, fires in (("no growth", 0.0, False), ("growth", beyond, True)):
        values = growth([(each, steps)])
        at = (steps - 1) * STEP
        yield Case(name=text, series={series: values}, at=at, fires=fires)


@cases_of.register
def of_silence(expression: Silence, rule: Rule, job: str) -> Iterator[Case]:
    """The service answers, answers without its store, and is gone."""
    series = selected("spotter_store_up", {}, job)
    steps = steps_of(rule.threshold + 120)
    end = (steps - 1) * STEP
    for name, courses, fires in (
        ("the store is read", [(1.0, steps)], False),
        ("the store can't be read", [(1.0, 2), (0.0, steps)], True),
        ("nobody answers", [(1.0, 2)], True),
    ):
        # Prometheus shows the last sample of what is gone for five minutes more.
        at = end + 600 if fires else end
        yield Case(name=name, series={series: level(courses)}, at=at, fires=fires)


def steps_of(seconds: float) -> int:
    """How many samples cover a time."""
    return round(seconds / STEP) + 1


def growth(course: Course) -> str:
    """A counter's values: so much more in each step."""
    parts, value = [], 0.0
    for each, steps in course:
        value += each
        parts.append(f"{plain(value)}+{plain(each)}x{steps - 1}")
        value += each * (steps - 1)
    return " ".join(parts)


def level(course: Course) -> str:
    """A gauge's values."""
    return " ".join(f"{plain(value)}+0x{steps - 1}" for value, steps in course)


def plain(value: float) -> str:
    """A number as promtool reads it."""
    return f"{value:.10g}"
