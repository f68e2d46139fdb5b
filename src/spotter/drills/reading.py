"""A reading that is no reading, for what can't be brought about."""

from __future__ import annotations

from spotter import recording
from spotter.alerts.expressions import BestOf, Gauge, Increase
from spotter.alerts.rules import Rule
from spotter.drills.drill import Undrillable
from spotter.drills.real import Fault, Real
from spotter.drills.simulated import WHERE, beyond


class InjectedReading(Fault):
    """A reading that is no reading, for what can't be brought about."""

    form = "injected"

    def __init__(self, rule: Rule, why: str) -> None:
        self.rule = rule
        self.how = f"an injected reading: {why}"
        expression = rule.expression
        if not isinstance(expression, (BestOf, Gauge, Increase)):
            raise Undrillable("it computes something that no reading makes true")
        self._name, self._by = expression.name, labels_of(expression)
        self._is_counter = isinstance(expression, Increase)

    def inject(self, world: Real, bad: bool) -> None:
        if self._is_counter:
            amount = self.rule.threshold + 1 if bad else 0
            world.measure(lambda: recording.count(self._name, self._by, amount))
        else:
            value = beyond(self.rule, bad=bad)
            world.measure(lambda: recording.gauge(self._name, value, self._by))


def labels_of(expression: BestOf | Gauge | Increase) -> dict[str, str]:
    """Labels of a series that it looks at."""
    if isinstance(expression, Increase):
        return dict.fromkeys(expression.by, WHERE)
    if isinstance(expression, BestOf):
        return {expression.by: WHERE, expression.of: WHERE, **expression.where}
    return {**dict.fromkeys(expression.by, WHERE), **expression.where}
