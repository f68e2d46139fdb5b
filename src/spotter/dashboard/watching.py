"""What the alerts say, as the first sentences of the overview."""

from __future__ import annotations

from collections.abc import Iterator

from spotter.alerts.book import ACKNOWLEDGED, OPEN, Book, Incident
from spotter.conf import get_settings
from spotter.dashboard import format as write
from spotter.dashboard.blocks import Finding
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import address
from spotter.stores.sql import SqlStore

#: So many open incidents are told one by one.
MOST = 5


def findings(reader: Reader) -> list[Finding]:
    """Open incidents, and that nobody watches."""
    if not isinstance(reader.store, SqlStore):
        return []
    with Book(reader.store).reading() as page:
        leader = page.leader()
        incidents = page.incidents((OPEN, ACKNOWLEDGED), limit=100)
    is_wanted = leader is not None or bool(get_settings().channels)
    is_there = leader is not None and leader[1] > reader.now
    alarm = [nobody()] if is_wanted and not is_there else []
    return [*alarm, *told(incidents, reader.now)]


def nobody() -> Finding:
    """The watcher should run, and does not."""
    return Finding(
        "nobody_watches",
        "bad",
        "Nobody watches: no alert is evaluated and nobody will be told of anything.",
        "Start `manage.py spotter watch` and see to it that it is started again.",
        address("alerts"),
    )


def told(incidents: list[Incident], now: float) -> Iterator[Finding]:
    """Each open incident; the rest in one sentence."""
    for each in incidents[:MOST]:
        is_taken = each.state == ACKNOWLEDGED
        yield Finding(
            "incident",
            "warn" if is_taken or each.severity != "critical" else "bad",
            f"Incident {each.id}, {each.severity}, {each.state} since "
            f"{write.seconds(now - each.opened_at)}: {each.title}.",
            "Somebody is at it." if is_taken else "Open it for its evidence, and acknowledge it.",
            address("incidents/one", id=str(each.id)),
        )  # fmt: skip
    if len(incidents) > MOST:
        rest = len(incidents) - MOST
        text = f"{rest} more incident{'s are' if rest > 1 else ' is'} open."
        yield Finding("incident", "warn", text, "See the list.", address("alerts"))
