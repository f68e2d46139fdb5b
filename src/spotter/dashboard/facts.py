"""Read the facts that the verdict is reached from."""

from __future__ import annotations

import urllib.parse
from collections.abc import Sequence

from spotter.alerts.book import Book
from spotter.alerts.drilled import overdue
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
from spotter.dashboard.traffic import DURATION, ROUTE, RouteFacts
from spotter.dashboard.verdict import (
    SLOW_SECONDS,
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
#: Routes, statements and repetitions that are looked at: the costliest.
MOST = 20


def gather(reader: Reader, found: dict[str, RouteFacts]) -> Facts:
    """All facts of the period."""
    busy = reader.total("spotter.workers.busy")
    count = reader.total("spotter.workers.count")
    return Facts(
        routes=route_facts(reader, found),
        statements=statement_facts(reader),
        repetitions=repetition_facts(reader),
        lookups=lookup_facts(reader),
        database_errors=reader.total("spotter.db.errors").sum,
        cache_errors=reader.total("spotter.cache.errors").sum,
        growths=growth_facts(reader),
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
    suspects = sorted(found.values(), key=lambda each: -each.seconds)[:MOST]
    points = reader.totals(
        DURATION, (ROUTE,), {ROUTE: tuple(each.name for each in suspects)}, buckets=True
    )
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
    by = ("cache.prefix", "result")
    for (prefix, result), point in reader.totals("spotter.cache.lookups", by).items():
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
