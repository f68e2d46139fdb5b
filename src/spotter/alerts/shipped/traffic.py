"""Errors and slowness, as users meet them."""

from __future__ import annotations

from spotter.alerts.expressions import (
    HOUR,
    MINUTE,
    REQUESTS,
    STATUS,
    FailedShare,
    SlowShare,
)
from spotter.alerts.rules import Rule, Severity
from spotter.alerts.shipped.causes import CAUSES


def rules() -> list[Rule]:
    """
    Error rate and response time.

    No requests at all is neither good nor bad: nothing begins, and what fires goes on
    until somebody asks again. That nothing is measured is told by MonitoringNoData.
    """
    return [
        Rule(
            name="HighErrorRate",
            expression=FailedShare(name=REQUESTS, label=STATUS, prefix="5", window=5 * MINUTE),
            threshold=0.01,
            clear=0.005,
            for_=MINUTE,
            severity=Severity.CRITICAL,
            unit="share",
            summary="{value} of requests fail ({note} in 5 min)",
            because_of=CAUSES,
        ),
        Rule(
            # What the volume that the first rule asks for would hide.
            name="HighErrorRateLowTraffic",
            expression=FailedShare(
                name=REQUESTS, label=STATUS, prefix="5", window=HOUR, at_least=3
            ),
            # A hair below a half: half of them is enough.
            threshold=0.4999,
            clear=0.25,
            for_=MINUTE,
            severity=Severity.CRITICAL,
            unit="share",
            summary="{value} of requests fail ({note} in an hour)",
            because_of=(*CAUSES, "HighErrorRate"),
        ),
        Rule(
            name="SlowResponses",
            expression=SlowShare(name=REQUESTS, seconds=2.0, window=5 * MINUTE),
            threshold=0.05,
            clear=0.03,
            for_=2 * MINUTE,
            unit="share",
            summary="p95 is over 2 s: {note}",
            because_of=CAUSES,
        ),
    ]  # fmt: skip
