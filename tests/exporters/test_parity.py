"""What is exported says the same as the rule: one case, run by Spotter and by promtool."""

from __future__ import annotations

import re

import pytest

from spotter.alerts.book import Book
from spotter.alerts.expressions import BestOf, Gauge, Increase
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.alerts.trial import Given, Seen, Trial
from spotter.alerts.trial_file import PART, expanded
from spotter.exporters.promql import exposed, label_name
from spotter.exporters.promtool import STEP, Case, cases_of
from spotter.stores.sqlite import MEMORY, SqliteStore

RULES = [
    rule
    for rule in shipped(lambda: Book(SqliteStore(MEMORY)))
    if isinstance(rule.expression, (BestOf, Gauge, Increase))
]
CASES = [
    pytest.param(rule, case, id=f"{rule.name} {case.name}")
    for rule in RULES
    for case in cases_of(rule.expression, rule, "shop")
]


def known_labels(expression: BestOf | Gauge | Increase) -> list[str]:
    if isinstance(expression, BestOf):
        return [expression.by, expression.of, *expression.where]
    where = expression.where if isinstance(expression, Gauge) else {}
    return [*expression.by, *where]


def given(rule: Rule, selector: str, values: str) -> Given:
    """A series of promtool's under Spotter's names."""
    expression = rule.expression
    assert isinstance(expression, (BestOf, Gauge, Increase))
    found = dict(re.findall(r'(\w+)="([^"]*)"', selector))
    found.pop("job")
    names = {label_name(name): name for name in known_labels(expression)}
    numbers: list[float | None] = []
    for part in values.split():
        match = PART.fullmatch(part)
        assert match
        numbers += expanded(match)
    labels = {names[name]: value for name, value in found.items()}
    metric = selector.partition("{")[0]
    known = {
        exposed(each, "gauge"): each
        for each in (getattr(expression, "failures", ""),)
        if each
    }
    return Given(name=known.get(metric, expression.name), labels=labels, values=numbers)


def fires(rule: Rule, case: Case) -> bool:
    """Whether Spotter's own engine has it firing at the case's instant."""
    series = [given(rule, name, values) for name, values in case.series.items()]
    trial = Trial(rule, series, STEP)
    last: dict[float, bool] = {}
    at = 0.0
    for each in trial.run(case.at):
        if isinstance(each, Seen):
            last[at] = last[at] or each.alert.is_firing
        else:
            at = each
            last[at] = False
    trial.close()
    return last[float(case.at)]


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_a_case_of_promtools_ends_the_same_in_spotter(rule, case):
    assert fires(rule, case) is case.fires


def test_every_rule_over_a_gauge_or_a_counter_is_compared():
    assert len(RULES) == 9
    assert len(CASES) >= 5 * 8
