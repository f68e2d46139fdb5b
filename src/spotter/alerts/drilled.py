"""When each rule was last drilled, and which have not been for too long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from spotter.alerts.book import Page
from spotter.alerts.heartbeats import SUCCESS

#: Under this name, with the rule's, drills are written down like jobs.
JOB = "drill:"
#: What the names of jobs begin with that drills make up.
DRILL_JOB = "[DRILL] "
#: A rule that was not drilled for so long is not known to reach anybody.
STALE_SECONDS = 90 * 86400.0
#: A watcher that has been here for less has better things to do first.
GRACE_SECONDS = 7 * 86400.0
#: Under this name the first start of a watcher is written down.
FIRST = "watcher:first"


def drilled_at(page: Page, rules: Iterable[str]) -> dict[str, float]:
    """When each rule last reached everybody, of those that ever did."""
    found = {
        name: next((p.at for p in page.pings(JOB + name) if p.kind == SUCCESS), None)
        for name in rules
    }
    return {name: at for name, at in found.items() if at is not None}


def watched_since(page: Page) -> float | None:
    """When a watcher first started here; None when none ever did."""
    found = page.pings(FIRST)
    return found[-1].at if found else None


def not_drilled(
    rules: Iterable[str],
    drilled: Mapping[str, float],
    since: float | None,
    now: float,
) -> Sequence[str]:
    """
    Rules that nobody has drilled for 90 days; none in a project's first week.

    Args:
        drilled: when each was, of those that ever were.
        since: when a watcher first started here.
    """
    if since is None or now - since < GRACE_SECONDS:
        return ()
    return [
        name
        for name in rules
        if name not in drilled or now - drilled[name] > STALE_SECONDS
    ]
