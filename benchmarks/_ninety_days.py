"""A store as it is after 90 days: 200 routes, probes, 500 incidents, 5,000 deliveries."""

from __future__ import annotations

import pathlib
import random
from collections.abc import Iterator

from benchmarks.store import NOW, fill, point
from spotter.alerts.book import OPEN, RESOLVED, SENT, Book, Incident, Page
from spotter.entries import Point, Series
from spotter.stores.contract import DAY, LEVELS
from spotter.stores.sqlite import SqliteStore

MONITORS = 5
INCIDENTS, CHANNELS = 500, ("slack", "email", "pagerduty", "webhook", "sentry")
#: Each opens and ends on every channel: two deliveries of each.
KINDS = ("trigger", "resolve")
EVENTS = 20
#: Incidents of the last day, which the watcher looks at in every cycle.
TODAY = 60
SUCCESS, TIME = "spotter.probe.success", "spotter.probe.duration"


def make(path: pathlib.Path) -> None:
    """Fill a new store."""
    random.seed(1)
    store = SqliteStore(path, lambda: NOW)
    for level in LEVELS:
        each = min(level.window // 2, 2000)
        pool = {kind: [point(kind, each) for _ in range(30)] for kind in (True, False)}
        fill(store, level, pool)
        probe(store, level)
    with store.transaction(write=True) as execute:
        for level in LEVELS[1:]:
            store._set_mark(execute, level, NOW)
    with Book(store).writing() as page:
        for number in range(INCIDENTS):
            write_incident(page, number)
    store.close()


def probe(store: SqliteStore, level: object) -> None:
    """What five monitors leave behind that are probed every ten seconds."""
    window, keep = level.window, min(level.keep, 90 * DAY)  # type: ignore[attr-defined]
    with store.transaction(write=True) as execute:
        series = list(probe_series())
        ids = store._series.ids(execute, set(series))
        points = {
            (start, ids[each]): probed(each, start, window)
            for start in range((NOW - keep) // window * window, NOW, window)
            for each in series
        }
        store._merge(execute, level, points)  # type: ignore[arg-type]


def probe_series() -> Iterator[Series]:
    for number in range(MONITORS):
        labels = {"probe": f"monitor {number}"}
        yield Series.of(SUCCESS, {**labels, "watcher": "a"})
        yield Series.of(TIME, labels)


def probed(series: Series, start: int, window: int) -> Point:
    made = Point()
    for number in range(min(window // 10, 100)):
        if series.name == SUCCESS:
            made.set(float(random.random() > 0.001), start + 10.0 * number)
        else:
            made.note(random.lognormvariate(-2.8, 0.7))
    return made


def write_incident(page: Page, number: int) -> None:
    """One incident with all that was said and done about it."""
    recent = INCIDENTS - number <= TODAY
    age = (INCIDENTS - number) * (DAY / TODAY if recent else 90 * DAY / INCIDENTS)
    at = NOW - age
    body = {"title": "5 % of requests fail", "alerts": [f"{number:032x}"],
            "evidence": [["Route", f"/api/resource-{n}/"] for n in range(8)]}  # fmt: skip
    incident = page.open_incident(f"{number:032x}", "critical", at, body)
    is_open = number >= INCIDENTS - 3
    ended = at + 600
    page.save_incident(
        Incident(
            id=incident.id, dedup_key=incident.dedup_key,
            state=OPEN if is_open else RESOLVED, severity="critical", opened_at=at,
            touched_at=ended, resolved_at=None if is_open else ended, body=body,
        )
    )  # fmt: skip
    for event in range(EVENTS):
        page.note(incident.id, at + event, "firing", "HighErrorRate: 5 % fail", "")
    notice = {"lines": ["5 % of requests fail (312 of 6,240 in 5 min)"] * 3, **body}
    for channel in CHANNELS:
        for kind in KINDS:
            page.decide(
                f"{incident.id}:{channel}:{kind}:0", incident.id, channel, kind,
                state=SENT, now=at, reason="the incident opened", notice=notice,
            )  # fmt: skip
