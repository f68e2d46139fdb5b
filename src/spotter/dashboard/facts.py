"""Read the facts that the verdict is reached from."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Sequence

from spotter.alerts.book import Book
from spotter.alerts.drilled import overdue
from spotter.dashboard.period import period_of
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import address
from spotter.dashboard.statements import (
    BY_REPETITION,
    REPEATED,
    latest_repeats,
    link,
    slow_statements,
    subject_of,
    text_of,
    texts,
)
from spotter.dashboard.traffic import (
    ALL,
    DURATION,
    ROUTE,
    RouteFacts,
    add_waits,
    counted,
)
from spotter.dashboard.verdict import (
    ENOUGH_SLOW,
    SLOW_SECONDS,
    SLOW_SHARE,
    SLOW_STATEMENT_SECONDS,
    Facts,
    Growth,
    Level,
    Lookups,
    Repetition,
    Route,
    SlowStatement,
)
from spotter.entries import Point
from spotter.stores.sql import SqlStore

MEMORY, PROCESS = "process.memory.usage", ("host.name", "process.pid")
#: A process that measured so long before the period is none that has just begun; how
#: long one takes to have imported everything.
ELDER_SECONDS, WARM_UP_SECONDS = 120.0, 60.0
#: What the page of a route asks for its name by.
ROUTE_ASKED = "route"
#: Statements and repetitions that are looked at: the costliest.
MOST = 20
#: What is wrong now is told of the shortest of these that has enough requests to judge:
#: seconds, and the period in which its evidence is shown.
STRETCHES = ((300, "15m"), (900, "15m"), (3600, "1h"))
ENOUGH_TO_JUDGE = 100
#: Lookups are many: that most of them miss is told of the last minute too, as a storm of
#: them must last for half a stretch to be most of that.
LOOKUP_SECONDS = 60
LOOKUPS, BY_LOOKUP = "spotter.cache.lookups", ("cache.prefix", "result")
#: What is asked of metrics with few series, by what they are grouped by; those that may
#: have many come last, and have a statement of their own where they do.
JUDGED = {
    ALL: (),
    "spotter.workers.busy": (),
    "spotter.workers.count": (),
    "spotter.db.errors": (),
    "spotter.cache.errors": (),
    "system.cpu.utilization": ("host.name",),
    "system.memory.utilization": ("host.name",),
    "system.filesystem.utilization": ("host.name", "system.filesystem.mountpoint"),
    "spotter.cache.memory.limit": ("cache.alias", "host.name"),
    "spotter.dropped": ("what",),
    **dict.fromkeys(REPEATED, BY_REPETITION),
    LOOKUPS: BY_LOOKUP,
    "spotter.http.server.exceptions": (ROUTE, "error.type"),
}


def latest(reader: Reader) -> Reader:
    """
    Whose facts say what is wrong: of a period that is live, of its last minutes.

    An hour of good requests, or ninety days, would hide what has just begun, and tell of
    what is long over. A period in the past is judged as a whole. What the facts are
    reached from is read ahead.
    """
    if not reader.period.is_live:
        reader.read_ahead(JUDGED)
        return reader
    for seconds, name in STRETCHES:
        recent = last_seconds(reader, seconds, name)
        recent.read_ahead(JUDGED)
        if recent.total(ALL).count >= ENOUGH_TO_JUDGE:
            break
    return recent


def last_seconds(reader: Reader, seconds: int, name: str) -> Reader:
    """The last of a live period; its links lead to the period of that name."""
    period = period_of({"period": name}, reader.now)
    start = max(period.start, period.end - seconds)
    shorter = dataclasses.replace(period, start=start)
    return Reader(reader.store, shorter, reader.now)


def gather(reader: Reader, whole: Reader) -> Facts:
    """
    All facts that the verdict is reached from.

    Args:
        reader: of the time that is judged, as `latest` gives it.
        whole: of the period that the page shows: memory takes its time to grow.
    """
    busy = reader.total("spotter.workers.busy")
    count = reader.total("spotter.workers.count")
    return Facts(
        routes=route_facts(reader, counted(reader)),
        statements=statement_facts(reader),
        repetitions=repetition_facts(reader),
        lookups=lookup_facts(reader),
        lookups_of_late=lookup_facts(
            last_seconds(reader, LOOKUP_SECONDS, reader.period.name)
        )
        if reader.period.is_live
        else (),
        database_errors=reader.total("spotter.db.errors").sum,
        cache_errors=reader.total("spotter.cache.errors").sum,
        growths=growth_facts(whole),
        busy=busy.mean / count.mean if busy.count and count.mean else None,
        cpu=levels(reader, "system.cpu.utilization", ("host.name",), mean=True),
        memory=levels(reader, "system.memory.utilization", ("host.name",)),
        disks=levels(
            reader,
            "system.filesystem.utilization",
            ("host.name", "system.filesystem.mountpoint"),
        ),
        dropped=sum(
            point.sum
            for (what,), point in reader.totals("spotter.dropped", ("what",)).items()
            if what == "telemetry"
        ),
        not_drilled=not_drilled(reader),
        links={
            page: address(page, reader.period)
            for page in ("requests", "queries", "cache", "hosts", "self", "alerts")
        },
    )


def not_drilled(reader: Reader) -> Sequence[str]:
    """Rules that nobody has drilled for too long."""
    store = reader.store
    return overdue(Book(store), reader.now) if isinstance(store, SqlStore) else ()


def route_facts(reader: Reader, found: dict[str, RouteFacts]) -> list[Route]:
    """Routes, with how many of their requests were slow."""
    suspects = tuple(each.name for each in found.values() if may_be_slow(each))
    points: dict[tuple[str, ...], Point] = {}
    if suspects:
        points = reader.totals(DURATION, (ROUTE,), {ROUTE: suspects}, buckets=True)
        add_waits(reader, found, {ROUTE: suspects})
    page = address("requests/route", reader.period)
    exceptions: dict[str, str] = {}
    worst: dict[str, float] = {}
    by = (ROUTE, "error.type")
    for (name, kind), point in reader.totals(
        "spotter.http.server.exceptions", by
    ).items():
        if point.sum > worst.get(name, 0):
            worst[name], exceptions[name] = point.sum, kind
    return [
        Route(
            name=each.name,
            requests=each.requests,
            errors=each.errors,
            slow=points[each.name,].count_above(SLOW_SECONDS) if (each.name,) in points else 0,
            error_type=exceptions.get(each.name, "").rpartition(".")[2],
            waiting_share=each.share_of(each.db_seconds + each.cache_seconds),
            href=f"{page}&{urllib.parse.urlencode({ROUTE_ASKED: each.name})}",
        )
        for each in found.values()
    ]  # fmt: skip


def may_be_slow(facts: RouteFacts) -> bool:
    """Whether enough of a route's requests to be told can have been slow, by its sums."""
    least = max(ENOUGH_SLOW, SLOW_SHARE * facts.requests)
    return facts.longest > SLOW_SECONDS and facts.seconds > least * SLOW_SECONDS


def statement_facts(reader: Reader) -> list[SlowStatement]:
    """Statements that are slow on average."""
    slow = [
        (key, point)
        for key, point in slow_statements(reader).items()
        if point.mean > SLOW_STATEMENT_SECONDS
    ]
    slow.sort(key=lambda item: -item[1].sum)
    del slow[MOST:]
    known = texts(reader, [key for key, _ in slow])
    return [
        SlowStatement(
            text=text_of(key, known),
            calls=point.count,
            mean=point.mean,
            href=link(reader, key),
        )
        for key, point in slow
    ]


def repetition_facts(reader: Reader) -> list[Repetition]:
    """What requests repeat, the costliest first."""
    seconds, counts = (reader.totals(name, BY_REPETITION) for name in REPEATED)
    ranked = sorted(seconds.items(), key=lambda item: -item[1].sum)[:MOST]
    latest = (
        latest_repeats(reader, [(r, k, s) for (_, r, k, s), _ in ranked])
        if ranked
        else {}
    )
    made = []
    for group, point in ranked:
        kind, route, key, site = group
        body = latest.get((route, key, site), {})
        made.append(
            Repetition(
                kind=kind,
                route=route,
                subject=subject_of(body),
                site=site,
                requests=point.count,
                count=counts[group].mean if group in counts else 0,
                seconds=point.sum,
                advice=str(body.get("advice", "")),
                href=address("queries", reader.period, tab="repeated"),
            )
        )
    return made


def lookup_facts(reader: Reader) -> list[Lookups]:
    """Lookups by the beginning of their key."""
    found: dict[str, dict[str, float]] = {}
    for (prefix, result), point in reader.totals(LOOKUPS, BY_LOOKUP).items():
        found.setdefault(prefix, {"hit": 0, "miss": 0})[result] = point.sum
    return [
        Lookups(
            prefix=prefix,
            hits=each["hit"],
            misses=each["miss"],
            href=address("cache", reader.period),
        )
        for prefix, each in found.items()
    ]


def warm(
    reader: Reader, points: Sequence[Point | None], *, is_new: bool
) -> list[Point]:
    """
    What a process measured; of one that began in the period, after its first minute.

    What it imports for its first requests is no leak.
    """
    known = [
        (at, point)
        for at, point in zip(reader.period.windows, points, strict=True)
        if point is not None and point.count
    ]
    since = known[0][0] + WARM_UP_SECONDS if is_new and known else 0.0
    return [point for at, point in known if at >= since]


def growth_facts(reader: Reader) -> list[Growth]:
    """Each process's memory at the beginning of the period and now."""
    elder = reader.before(MEMORY, PROCESS, ELDER_SECONDS)
    made = []
    for (host, pid), points in reader.windows(MEMORY, PROCESS).items():
        known = warm(reader, points, is_new=(host, pid) not in elder)
        if known:
            made.append(
                Growth(
                    process=f"{pid} on {host}",
                    before=known[0].minimum,
                    now=known[-1].last,
                    href=address("hosts", reader.period),
                )
            )
    return made


def levels(
    reader: Reader, metric: str, by: tuple[str, ...], *, mean: bool = False
) -> list[Level]:
    """How full each of something is: on average, or now."""
    return [
        Level(
            name=" ".join(group),
            share=point.mean if mean else point.last,
            href=address("hosts", reader.period),
        )
        for group, point in reader.living(reader.totals(metric, by)).items()
        if point.count
    ]
