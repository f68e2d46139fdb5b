"""What a rule is, and how its readings are judged: pure."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Mapping

from spotter.alerts.expressions import Expression, Reading
from spotter.alerts.machine import Truth


class Severity(enum.StrEnum):
    """How soon somebody must look: now, today, or when there is time."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """The more urgent, the higher."""
        return {"info": 0, "warning": 1, "critical": 2}[self.value]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    One alert rule.

    Args:
        name: in CamelCase, unique.
        expression: what is looked at.
        threshold: above it (or below, with `below`) the condition holds.
        clear: a firing alert ceases at this value; the threshold when None.
        for_: how long the condition must hold, in seconds, before it fires.
        keep_firing_for: how long it must be gone before the alert resolves.
        every: how often it is evaluated; costly ones need not be every cycle.
        summary: one sentence; `{value}`, `{note}` and `{labels}` are filled in.
        unit: how a value is written: "share", "seconds" or "".
        runbook_url: where it says what to do; the page of the rule's name when empty.
        because_of: rules that, while they fire, explain this one: it is not told.
    """

    name: str
    expression: Expression
    threshold: float = 0.0
    clear: float | None = None
    below: bool = False
    for_: float = 0.0
    keep_firing_for: float = 0.0
    every: float = 0.0
    severity: Severity = Severity.WARNING
    summary: str = ""
    unit: str = ""
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    because_of: tuple[str, ...] = ()
    runbook_url: str = ""
    #: How long nobody may be able to tell before that is an alert of its own; 0 never.
    no_data_after: float = 0.0
    #: How long a firing alert is held that is measured no more while others of the rule
    #: are, such as that of a host that is gone.
    stale_after: float = 3600.0

    @property
    def runbook(self) -> str:
        """The name of its page in src/spotter/runbooks/."""
        return runbook_of(self.name)

    def runbook_at(self, place: str) -> str:
        """The address of its runbook; `place` is what names of pages are put behind."""
        return self.runbook_url or (place and f"{place}{self.runbook}")

    def judge(self, reading: Reading, *, is_firing: bool) -> Truth:
        """Whether the condition holds, given that it is firing already or not."""
        if reading.value is None:
            return Truth.UNKNOWN
        if not is_firing and not reading.is_enough:
            return Truth.FALSE
        limit = self.threshold
        if is_firing and self.clear is not None:
            limit = self.clear
        beyond = reading.value < limit if self.below else reading.value > limit
        return Truth.TRUE if beyond else Truth.FALSE

    def says(self, reading: Reading) -> str:
        """The summary with what was read."""
        value = written(reading.value, self.unit)
        labels = ", ".join(v for v in reading.labels.values() if v)
        try:
            text = self.summary.format(value=value, note=reading.note, labels=labels)
        except (LookupError, ValueError, AttributeError):
            # A wrong placeholder is told by a system check; the alert is told all the same.
            text = f"{self.summary} ({value})"
        return " ".join(text.split())


def runbook_of(rule: str) -> str:
    """A rule's page: HighCPU is high-cpu."""
    return "".join(
        f"-{c.lower()}" if c.isupper() and i and not rule[i - 1].isupper() else c.lower()
        for i, c in enumerate(rule)
    )  # fmt: skip


def written(value: float | None, unit: str) -> str:
    """A value as people write it."""
    if value is None:
        return "unknown"
    if unit == "share":
        return f"{100 * value:.3g} %"
    if unit == "seconds":
        return f"{value:.3g} s"
    if unit == "days":
        return f"{value / 86400:.1f} days"
    return f"{value:,.4g}"


def fingerprint(rule: str, labels: Mapping[str, str]) -> str:
    """What identifies one alert: its rule's name and its labels."""
    text = "\0".join([rule, *(f"{k}={v}" for k, v in sorted(labels.items()))])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def dedup_key(
    service: str, environment: str, rule: str, labels: Mapping[str, str]
) -> str:
    """
    The key under which receivers know an alert: the same from every watcher.

    PagerDuty takes up to 255 characters.
    """
    text = "\0".join([service, environment, fingerprint(rule, labels)])
    return f"spotter-{hashlib.sha256(text.encode()).hexdigest()[:40]}"
