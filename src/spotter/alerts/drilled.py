"""When each rule was last drilled, and which have not been for too long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from spotter.alerts.book import Book, Page
from spotter.alerts.watcher import configured_rules, place

#: Under this name, with the rule's, drills are written down like jobs.
JOB = "drill:"
#: What the names of jobs begin with that drills make up.
DRILL_JOB = "[DRILL] "
#: A rule that was not drilled for so long is not known to reach anybody.
STALE_SECONDS = 90 * 86400.0
#: A watcher that has been here for less has better things to do first.
GRACE_SECONDS = 7 * 86400.0


def drilled_at(page: Page) -> dict[str, float]:
    """When each rule last reached everybody, of those that did within 90 days."""
    return {name.removeprefix(JOB): at for name, at in page.successes(JOB).items()}


def overdue(book: Book, now: float) -> Sequence[str]:
    """Rules that nobody has drilled for too long; asked of production alone."""
    if place().environment != "production":
        return ()
    names = [rule.name for rule in configured_rules(lambda: book)]
    with book.reading() as page:
        return not_drilled(names, drilled_at(page), page.watched_since(), now)


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
