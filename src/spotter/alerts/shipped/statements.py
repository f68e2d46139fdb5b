"""Statements that take much longer than they used to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from spotter.alerts.expressions import DAY, HOUR, MINUTE, Reading, Reads, ask
from spotter.alerts.rules import Rule, Severity
from spotter.alerts.statistics import has_risen
from spotter.entries import Point
from spotter.stores.contract import OTHER, Query

STATEMENTS, FINGERPRINT = "spotter.db.statement.duration", "db.query.fingerprint"
#: A statement is looked at from so many calls in the last hour and the week before.
CALLS, CALLS_BEFORE = 20, 100
#: Below it nobody minds, in seconds on average.
SLOW_SECONDS = 0.1
#: Statements that are compared, by the time that they take together.
MAX_COMPARED = 50


def rules() -> list[Rule]:
    """One rule."""
    return [
        Rule(
            name="SlowQueryRegression",
            expression=SlowerStatements(),
            threshold=3.0,
            clear=2.0,
            every=5 * MINUTE,
            severity=Severity.INFO,
            summary="A query takes {value} times what it took last week: {note}",
        )
    ]


@dataclasses.dataclass(slots=True)
class SlowerStatements:
    """
    The mean of the last hour as a multiple of the mean of the week before.

    Only where many calls are slower, not one that waited for a lock. Of thousands of
    statements those are told that are slow, and those that were a while ago: so that
    what is mended is seen to be.
    """

    told: dict[str, float] = dataclasses.field(default_factory=dict)

    def read(self, source: Reads, now: float) -> Sequence[Reading]:
        hour = ask(source, STATEMENTS, now, HOUR, by=(FINGERPRINT,))
        slow = worth_a_look(hour)
        found = {}
        if slow:
            new = of_these(source, slow, now - HOUR, now + 10)
            old = of_these(source, slow, now - 7 * DAY, now - HOUR)
            for name in slow:
                reading = compared(name, new.get((name,)), old.get((name,)))
                if reading is not None:
                    found[name] = reading
        for name in self.told.keys() - found.keys():
            found[name] = Reading(labels={"fingerprint": name}, value=0.0)
        self.told = {n: at for n, at in self.told.items() if now - at < DAY}
        self.told |= {n: now for n, reading in found.items() if reading.value}
        return list(found.values())


def worth_a_look(hour: Mapping[tuple[str, ...], Point]) -> list[str]:
    """The slow statements that take the most time."""
    slow = {
        group[0]: point
        for group, point in hour.items()
        # What found no series of its own is a mixture: its mean says nothing.
        if point.count >= CALLS and point.mean > SLOW_SECONDS and group[0] != OTHER
    }
    ranked = sorted(slow.items(), key=lambda pair: -pair[1].sum)
    return [name for name, _ in ranked[:MAX_COMPARED]]


def of_these(
    source: Reads, names: Sequence[str], start: float, end: float
) -> Mapping[tuple[str, ...], Point]:
    """Some statements in a stretch of time, with how long how many took."""
    return source.total(
        Query(
            name=STATEMENTS, start=start, end=end, by=(FINGERPRINT,),
            where={FINGERPRINT: tuple(names)},
        )
    )  # fmt: skip


def compared(name: str, new: Point | None, old: Point | None) -> Reading | None:
    """One statement; None when too little is known of what it was."""
    if new is None or old is None or old.count < CALLS_BEFORE or old.mean <= 0:
        return None
    usual = old.quantile(0.9)
    is_slower = has_risen(
        new.count_above(usual), new.count, old.count_above(usual), old.count
    )
    return Reading(
        labels={"fingerprint": name},
        value=new.mean / old.mean if is_slower else 1.0,
        note=f"{1000 * new.mean:.0f} ms instead of {1000 * old.mean:.0f} ms",
    )
