"""A rule's condition in Prometheus' query language, over what `/metrics/` exposes."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping

from spotter.alerts.expressions import (
    REQUESTS,
    STATUS,
    Asked,
    BestOf,
    Computed,
    Expression,
    FailedShare,
    Gauge,
    Increase,
    SlowShare,
)
from spotter.alerts.rules import Rule
from spotter.alerts.shipped.monitoring import Silence
from spotter.alerts.shipped.statements import SlowerStatements
from spotter.catalog import METRICS, Kind, Metric, exposed_name, plain_name
from spotter.exceptions import SpotterError
from spotter.exposition.recorded import BOUNDS


class UnexportedError(SpotterError):
    """A rule that can't be said over what `/metrics/` exposes, and why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """
    What a rule looks at.

    Args:
        value: what is compared with the threshold.
        enough: further conditions without which nothing begins to fire.
        by: the labels of the result.
        condition: all of it, where there is no threshold to compare with.
    """

    value: str = ""
    enough: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    condition: str = ""


def condition(rule: Rule, job: str) -> str:
    """
    When a rule holds.

    With another limit to end at, it goes on above that for as long as it fires, which
    Prometheus itself keeps as the series ALERTS.
    """
    said = say(rule.expression, rule, job)
    if said.condition:
        return said.condition
    sign = "<" if rule.below else ">"
    begins = [f"{said.value} {sign} {number(rule.threshold)}", *said.enough]
    if rule.clear is None or rule.clear == rule.threshold:
        return "\nand ".join(begins)
    mine = selected("ALERTS", {"alertname": rule.name, "alertstate": "firing"}, job)
    goes_on = [
        f"{said.value} {sign} {number(rule.clear)}",
        f"on ({', '.join(said.by)}) {mine}",
    ]
    return "\nor\n".join(f"({indented(each)})" for each in (begins, goes_on))


def indented(conditions: list[str]) -> str:
    """Conditions that must hold together, one a line."""
    return "\n  " + "\n  and ".join(conditions) + "\n"


@functools.singledispatch
def say(expression: Expression, rule: Rule, job: str) -> Said:
    """What a rule looks at."""
    raise UnexportedError(f"{type(expression).__name__} has no word in PromQL")


@say.register
def of_asked(expression: Asked, rule: Rule, job: str) -> Said:
    """Deliveries and signs of life."""
    raise UnexportedError("it asks Spotter's book of alerts, which is not in /metrics/")


@say.register
def of_statements(expression: SlowerStatements, rule: Rule, job: str) -> Said:
    """One series for each of thousands of statements, over a week."""
    raise UnexportedError("/metrics/ leaves single statements out")


@say.register
def of_failed_share(expression: FailedShare, rule: Rule, job: str) -> Said:
    """Errors of all; of requests by their class, which exists before the first error."""
    name, label, prefix = failed_by(expression)
    events = count_name(name)
    window = f"[{duration(expression.window)}]"
    bad = f"sum(increase({selected(events, {label: f'~{prefix}.*'}, job)}{window}))"
    total = f"sum(increase({selected(events, {}, job)}{window}))"
    return Said(
        value=f"{bad} / {total}",
        enough=(
            f"{total} >= {expression.at_least}",
            f"{bad} >= {expression.bad_at_least}",
        ),
    )


def failed_by(expression: FailedShare) -> tuple[str, str, str]:
    """The metric, the label and what it begins with."""
    if (expression.name, expression.label) == (REQUESTS, STATUS):
        return (
            "spotter.http.server.duration",
            "http.response.status_class",
            expression.prefix[:1],
        )
    return expression.name, expression.label, expression.prefix


@say.register
def of_slow_share(expression: SlowShare, rule: Rule, job: str) -> Said:
    """Not 1 less the fast share: that is more than 0.05 where 5 % are slow."""
    if expression.seconds not in BOUNDS:
        raise UnexportedError(
            f"/metrics/ has no bucket that ends at {expression.seconds:g} s; it has "
            f"{', '.join(f'{bound:g}' for bound in BOUNDS)}"
        )
    family = exposed(timed_by(expression), "histogram")
    window = f"[{duration(expression.window)}]"
    bucket = selected(f"{family}_bucket", {"le": repr(expression.seconds)}, job)
    fast = f"sum(increase({bucket}{window}))"
    total = f"sum(increase({selected(f'{family}_count', {}, job)}{window}))"
    return Said(
        value=f"({total} - {fast}) / {total}",
        enough=(f"{total} >= {expression.at_least}",),
    )


def timed_by(expression: SlowShare) -> str:
    """The metric; requests of all routes together are a few series and always there."""
    if expression.name == REQUESTS:
        return "spotter.http.server.duration"
    return expression.name


@say.register
def of_gauge(expression: Gauge, rule: Rule, job: str) -> Said:
    """The worst of several series under the same labels."""
    series = selected(exposed(expression.name, "gauge"), expression.where, job)
    if expression.mean:
        series = f"avg_over_time({series}[{duration(expression.window)}])"
    return worst(series, expression.by, "min" if rule.below else "max")


@say.register
def of_best(expression: BestOf, rule: Rule, job: str) -> Said:
    """The best of several observers."""
    series = selected(exposed(expression.name, "gauge"), expression.where, job)
    said = worst(series, (expression.by,), "max")
    if not expression.failures:
        return said
    times = selected(exposed(expression.failures, "gauge"), expression.where, job)
    fewest = worst(times, (expression.by,), "min").value
    return dataclasses.replace(said, enough=(f"{fewest} >= {expression.believed}",))


def worst(series: str, by: tuple[str, ...], how: str) -> Said:
    """A gauge by its labels."""
    labels = tuple(label_name(each) for each in by)
    group = f" by ({', '.join(labels)})" if labels else ""
    return Said(value=f"{how}{group} ({series})", by=labels)


@say.register
def of_increase(expression: Increase, rule: Rule, job: str) -> Said:
    """How much a counter grew."""
    series = selected(f"{exposed(expression.name, 'counter')}_total", {}, job)
    growth = f"increase({series}[{duration(expression.window)}])"
    return worst(growth, expression.by, "sum")


@say.register
def of_silence(expression: Silence, rule: Rule, job: str) -> Said:
    """What Prometheus can see of it: that nobody answers, or the store can't be read."""
    up = selected("spotter_store_up", {}, job)
    window = duration(rule.threshold)
    return Said(condition=f"absent_over_time(({up} == 1)[{window}:30s])")


@say.register
def of_computed(expression: Computed, rule: Rule, job: str) -> Said:
    """Whoever wrote the function may have said it."""
    if not expression.promql:
        raise UnexportedError(expression.unexported)
    return Said(value=f"({expression.promql})")


def exposed(name: str, kind: Kind) -> str:
    """A metric's name in `/metrics/`; a project's own is of the kind asked for."""
    metric = METRICS.get(name) or Metric(kind, "", "")
    if metric.is_detailed:
        raise UnexportedError(
            f"{name} has a series for each statement, which /metrics/ leaves out"
        )
    return exposed_name(name, metric)


def count_name(name: str) -> str:
    """The series that counts a metric's events."""
    metric = METRICS.get(name) or Metric("counter", "", "")
    ending = "total" if metric.kind == "counter" else "count"
    return f"{exposed(name, metric.kind)}_{ending}"


def selected(name: str, labels: Mapping[str, str], job: str) -> str:
    """A metric's series of this service; a value that begins with ~ is a pattern."""
    parts = [f"job={json.dumps(job)}"]
    for label, value in labels.items():
        sign, text = ("=~", value[1:]) if value.startswith("~") else ("=", value)
        parts.append(f"{label_name(label)}{sign}{json.dumps(text, ensure_ascii=False)}")
    return f"{name}{{{','.join(parts)}}}"


def label_name(name: str) -> str:
    """As `/metrics/` writes it."""
    return plain_name(name)


def number(value: float) -> str:
    """A limit without what binary fractions add to it."""
    return f"{value:.12g}"


def duration(seconds: float) -> str:
    """As Prometheus writes it."""
    whole = round(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole and whole % length == 0:
            return f"{whole // length}{unit}"
    return f"{whole}s"
