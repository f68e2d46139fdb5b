"""What the alerts say, as the first sentences of the overview."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from spotter.alerts.records import ACKNOWLEDGED, OPEN, Incident
from spotter.conf import get_settings
from spotter.dashboard import format as write
from spotter.dashboard import incidents
from spotter.dashboard.blocks import Finding
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import address
from spotter.stores import Store
from spotter.stores.sqlite import SqliteStore, damaged

#: So many open incidents are told one by one.
MOST = 5


def findings(reader: Reader) -> list[Finding]:
    """A store that was damaged, that nobody watches, and open incidents."""
    book = incidents.book_of(reader)
    if book is None:
        return []
    lost = damage(reader.store)
    with book.reading() as page:
        leader = page.leader()
        open_ = page.incidents((OPEN, ACKNOWLEDGED), limit=100)
    is_wanted = leader is not None or bool(get_settings().channels)
    is_there = leader is not None and leader[1] > reader.now
    alarm = [nobody()] if is_wanted and not is_there else []
    return [*alarm, *lost, *told(open_, reader.now)]


def damage(store: Store) -> list[Finding]:
    """That all of before is in a file which was damaged, for as long as that is kept."""
    found = damaged(store.path) if isinstance(store, SqliteStore) else []
    if not found:
        return []
    name = pathlib.Path(found[0]).name
    at = name.rpartition("-")[2]
    when = f"{at[:4]}-{at[4:6]}-{at[6:8]} {at[9:11]}:{at[11:13]} UTC"
    return [
        Finding(
            "store_damaged",
            "warn",
            f"The store was damaged and begun afresh at {when}: what was measured before "
            f"is in {name}, beside it.",
            f"See to the disk. `sqlite3 {name} .recover` reads what can be read; delete "
            "the file once nobody needs it.",
            address("self"),
        )
    ]


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
