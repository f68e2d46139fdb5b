"""What the alerts say, as the first sentences of the overview."""

from __future__ import annotations

from collections.abc import Iterator

from spotter.alerts.book import ACKNOWLEDGED, OPEN, Incident
from spotter.conf import get_settings
from spotter.dashboard import format as write
from spotter.dashboard import incidents
from spotter.dashboard.blocks import Finding
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import address

#: So many open incidents are told one by one.
MOST = 5


def findings(reader: Reader) -> list[Finding]:
    """Open incidents, and that nobody watches."""
    book = incidents.book_of(reader)
    if book is None:
        return []
    with book.reading() as page:
        leader = page.leader()
        open_ = page.incidents((OPEN, ACKNOWLEDGED), limit=100)
    is_wanted = leader is not None or bool(get_settings().channels)
    is_there = leader is not None and leader[1] > reader.now
    alarm = [nobody()] if is_wanted and not is_there else []
    return [*alarm, *told(open_, reader.now)]


def nobody() -> Finding:
    """The watcher should run, and does not."""
    return Finding(
        "nobody_watches",
        "bad",
        "Nobody watches: no alert is evaluated and nobody will be told of anything.",
        "Start `manage.py spotter watch` and see to it that it is started again.",
        address("alerts"),
    )


def told(found: list[Incident], now: float) -> Iterator[Finding]:
    """Each open incident; the rest in one sentence."""
    for each in found[:MOST]:
        is_taken = each.state == ACKNOWLEDGED
        yield Finding(
            "incident",
            "warn" if is_taken or each.severity != "critical" else "bad",
            f"Incident {each.id}, {each.severity}{', acknowledged' if is_taken else ''}, "
            f"opened {write.ago(now - each.opened_at)}: {each.title}.",
            "Somebody is at it." if is_taken else "Open it for its evidence, and acknowledge it.",
            address("incidents/one", id=str(each.id)),
        )  # fmt: skip
    if len(found) > MOST:
        rest = len(found) - MOST
        text = f"{rest} more incident{'s are' if rest > 1 else ' is'} open."
        yield Finding("incident", "warn", text, "See the list.", address("alerts"))
