"""Routes that fail or take much more since the last release."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from spotter.alerts.expressions import (
    DAY,
    HOUR,
    MINUTE,
    REQUESTS,
    ROUTE,
    STATUS,
    Computed,
    Reading,
    Reads,
)
from spotter.alerts.rules import Rule, Severity
from spotter.alerts.shipped.causes import CAUSES
from spotter.alerts.statistics import has_risen
from spotter.entries import Point, Sample
from spotter.recording import deploys
from spotter.stores.contract import Query

#: A release is suspected for so long; what is worse by then is watched until it is not.
SUSPECT_SECONDS, WATCH_SECONDS = 30 * MINUTE, DAY
#: The first requests find cold caches and workers that still import.
WARM_UP_SECONDS = MINUTE
#: Releases so close together are one: what the first broke is not what the second was
#: used to.
TOGETHER_SECONDS = 30 * MINUTE
#: Requests to a route on either side below which nothing is said.
REQUESTS_BEFORE = REQUESTS_AFTER = 20
ERRORS, ERROR_SHARE = 3, 0.02
SLOW_SECONDS, SLOWER = 0.3, 2.0


def rules() -> list[Rule]:
    """One rule."""
    return [
        Rule(
            name="DeployMadeItWorse",
            expression=Computed(
                worse_routes,
                unexported="/metrics/ does not tell when which release began",
            ),
            threshold=0.5,
            every=MINUTE,
            severity=Severity.WARNING,
            summary="{note}",
            because_of=CAUSES,
        )
    ]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """
    The last one.

    Args:
        at: when its first process began.
        quiet_until: when the one before the row that it is the last of ended.
    """

    name: str
    at: float
    quiet_until: float


@dataclasses.dataclass(slots=True)
class Side:
    """One route before or after a release."""

    errors: int = 0
    point: Point = dataclasses.field(default_factory=Point)

    @property
    def requests(self) -> int:
        """All of them."""
        return self.point.count

    @property
    def share(self) -> float:
        """Of requests that failed."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def mean(self) -> float:
        """Of the duration, in seconds."""
        return self.point.mean


def worse_routes(source: Reads, now: float) -> Sequence[Reading]:
    """
    1 for each route that is worse than before the last release, else 0.

    It begins to be told in the first half hour. What is told holds until the last half
    hour is as good as it was, not until the half hour is over.
    """
    release = last_release(
        source.samples(deploys.KIND, since=now - WATCH_SECONDS, limit=50)
    )
    if release is None:
        return []
    start = max(release.at + WARM_UP_SECONDS, now - SUSPECT_SECONDS)
    after = sides(source, start, now + 10)
    old = usual(source, release.quiet_until, after)
    is_suspect = now - release.at <= SUSPECT_SECONDS
    readings = []
    for route, new in after.items():
        if new.requests < REQUESTS_AFTER:
            # What was told is not mended because nobody asks for it at night.
            labels = {"route": route}
            readings.append(Reading(labels=labels, reason="too few requests to tell"))
            continue
        text = worse(route, old.get(route, Side()), new, is_new=route not in old)
        readings.append(
            Reading(
                labels={"route": route},
                value=float(bool(text)),
                is_enough=is_suspect,
                note=f"Since {release.name}: {text}" if text else "",
            )
        )
    return readings


def last_release(samples: Sequence[Sample]) -> Release | None:
    """
    The last release, and when the row of releases began that it ends.

    The very first release of all has nothing to be compared with.
    """
    firsts = [mark for mark in deploys.marks_of(samples) if mark.previous]
    if not firsts:
        return None
    began = firsts[-1].at
    for mark in reversed(firsts):
        if began - mark.at > TOGETHER_SECONDS:
            break
        began = mark.at
    return Release(name=firsts[-1].release, at=firsts[-1].at, quiet_until=began)


def usual(source: Reads, until: float, after: Mapping[str, Side]) -> Mapping[str, Side]:
    """
    Every route in the hour before, or in the day before if the hour was a quiet one.

    An hour is closest to what it is compared with; a release at night has no such hour.
    """
    hour = sides(source, until - HOUR, until)
    busy = [r for r, side in after.items() if side.requests >= REQUESTS_AFTER]
    if all(r in hour and hour[r].requests >= REQUESTS_BEFORE for r in busy):
        return hour
    day = sides(source, until - DAY, until)
    return {
        route: hour[route] if route in hour and hour[route].requests >= REQUESTS_BEFORE else side
        for route, side in day.items()
    }  # fmt: skip


def worse(route: str, old: Side, new: Side, *, is_new: bool = False) -> str:
    """How a route got worse; "" when it did not, or too little is known."""
    if new.requests < REQUESTS_AFTER:
        return ""
    if is_new:
        # There is no before; that half of it fails needs none.
        is_broken = new.errors >= ERRORS and new.share >= 0.5
        return f"{100 * new.share:.3g} % of the new {route} fail" if is_broken else ""
    if old.requests < REQUESTS_BEFORE:
        return ""
    if fails_more(old, new):
        return (
            f"{100 * new.share:.3g} % of {route} fail, before {100 * old.share:.3g} %"
        )
    if is_slower(old, new):
        return f"{route} takes {new.mean:.2f} s on average, before {old.mean:.2f} s"
    return ""


def fails_more(old: Side, new: Side) -> bool:
    """Whether many more fail, and that is no chance."""
    is_much = new.errors >= ERRORS and new.share > max(ERROR_SHARE, 2 * old.share)
    return is_much and has_risen(new.errors, new.requests, old.errors, old.requests)


def is_slower(old: Side, new: Side) -> bool:
    """Whether it takes twice as long, and not because of a few that hung."""
    if new.mean <= SLOW_SECONDS or new.mean <= SLOWER * old.mean:
        return False
    long = old.point.quantile(0.9)
    return has_risen(
        new.point.count_above(long), new.requests,
        old.point.count_above(long), old.requests,
    )  # fmt: skip


def sides(source: Reads, start: float, end: float) -> dict[str, Side]:
    """Every route in a stretch of time."""
    found: dict[str, Side] = {}
    if end <= start:
        return found
    points = source.total(
        Query(name=REQUESTS, start=start, end=end, by=(ROUTE, STATUS))
    )
    for (route, status), point in points.items():
        side = found.setdefault(route, Side())
        side.point.merge(point)
        side.errors += point.count if status.startswith("5") else 0
    return found
