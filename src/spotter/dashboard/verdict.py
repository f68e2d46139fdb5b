"""What is wrong now and what to do about it: from plain facts, in sentences."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Finding

#: "Error rate > 1 %" needs this many requests and errors, or it is noise.
ENOUGH_REQUESTS, ENOUGH_ERRORS, ERROR_SHARE = 20, 3, 0.01
#: One route may fail this often before it is told by itself.
ROUTE_ERROR_SHARE = 0.05
#: … and at the lowest traffic so many errors and this share of all.
FEW_ERRORS, FEW_SHARE = 3, 0.5
#: A slow request, in seconds, and how many of a route's make a finding.
SLOW_SECONDS, ENOUGH_SLOW, SLOW_SHARE = 2.0, 5, 0.01
SLOW_STATEMENT_SECONDS, ENOUGH_CALLS = 0.1, 3
ENOUGH_REPEATS = 3
ENOUGH_LOOKUPS, LOW_HITS = 100, 0.5
BUSY_SHARE, CPU_SHARE, MEMORY_SHARE, DISK_SHARE = 0.8, 0.9, 0.9, 0.8
GROWTH_BYTES, GROWTH_SHARE = 32e6, 0.25


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route in the period: requests, errors, those slower than SLOW_SECONDS."""

    name: str
    requests: float
    errors: float = 0
    slow: float = 0
    error_type: str = ""
    waiting_share: float = 0.0
    href: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SlowStatement:
    """A statement that takes long: calls, and seconds of one on average."""

    text: str
    calls: float
    mean: float
    href: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """A statement that one request repeats; `count` is how often, on average."""

    kind: str
    route: str
    subject: str
    site: str
    requests: float
    count: float
    seconds: float
    advice: str
    href: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """What a kind of keys is asked for."""

    prefix: str
    hits: float
    misses: float
    href: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The memory of one process: at the beginning and now, in bytes."""

    process: str
    before: float
    now: float
    href: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How full something is, 0 to 1."""

    name: str
    share: float
    href: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the verdict is reached from."""

    routes: Sequence[Route] = ()
    statements: Sequence[SlowStatement] = ()
    repetitions: Sequence[Repetition] = ()
    lookups: Sequence[Lookups] = ()
    #: The same of the last minute; none of a time that is past.
    lookups_of_late: Sequence[Lookups] = ()
    database_errors: float = 0
    cache_errors: float = 0
    growths: Sequence[Growth] = ()
    busy: float | None = None
    cpu: Sequence[Level] = ()
    memory: Sequence[Level] = ()
    disks: Sequence[Level] = ()
    dropped: float = 0
    #: Rules that nobody has drilled for 90 days.
    not_drilled: Sequence[str] = ()
    #: Where to look: requests, queries, cache, hosts, self.
    links: dict[str, str] = dataclasses.field(default_factory=dict)


Rule = Callable[[Facts], Iterator[Finding]]


def verdict(facts: Facts) -> list[Finding]:
    """Every finding, the worst first."""
    found = [finding for rule in RULES for finding in rule(facts)]
    return sorted(found, key=lambda finding: finding.tone != "bad")


def errors(facts: Facts) -> Iterator[Finding]:
    """Too many answers are failures."""
    total = sum(route.requests for route in facts.routes)
    failed = sum(route.errors for route in facts.routes)
    if not total or not failed:
        return
    share = failed / total
    enough = (
        total >= ENOUGH_REQUESTS and failed >= ENOUGH_ERRORS and share > ERROR_SHARE
    )
    few = failed >= FEW_ERRORS and share >= FEW_SHARE
    worst = max(facts.routes, key=lambda route: route.errors)
    if not enough and not few:
        yield from failing_route(worst)
        return
    what = f", mostly {worst.error_type}" if worst.error_type else ""
    yield Finding(
        "errors",
        "bad",
        f"{write.share(share)} of requests fail ({write.count(failed)} of "
        f"{write.count(total)}); {write.count(worst.errors)} of them at {worst.name}{what}.",
        "Open the route, then a failed request: its log lines have the stack trace.",
        worst.href,
    )


def failing_route(worst: Route) -> Iterator[Finding]:
    """One route that fails often, though the service as a whole does not."""
    share = worst.errors / worst.requests
    if worst.errors < ENOUGH_ERRORS or share <= ROUTE_ERROR_SHARE:
        return
    what = f", mostly {worst.error_type}" if worst.error_type else ""
    yield Finding(
        "errors",
        "bad",
        f"{write.share(share)} of requests to {worst.name} fail "
        f"({write.count(worst.errors)} of {write.count(worst.requests)}){what}.",
        "Open a failed request: its log lines have the stack trace.",
        worst.href,
    )


def slow_routes(facts: Facts) -> Iterator[Finding]:
    """Requests that take over two seconds."""
    slow = [
        route
        for route in facts.routes
        if route.slow >= ENOUGH_SLOW and route.slow > SLOW_SHARE * route.requests
    ]
    for route in sorted(slow, key=lambda each: -each.slow)[:3]:
        where = (
            "Most of the time is spent waiting for the database or the cache."
            if route.waiting_share >= 0.5
            else "The time is spent in Python or on calls to other services, not in the "
            "database: look at a slow request's waterfall."
        )
        yield Finding(
            "slow_requests",
            "bad",
            f"{write.count(route.slow)} of {write.count(route.requests)} requests to "
            f"{route.name} took over {SLOW_SECONDS:g} s.",
            where,
            route.href,
        )


def slow_statements(facts: Facts) -> Iterator[Finding]:
    """Statements that take over a tenth of a second."""
    slow = [
        each
        for each in facts.statements
        if each.calls >= ENOUGH_CALLS and each.mean > SLOW_STATEMENT_SECONDS
    ]
    for each in sorted(slow, key=lambda s: -s.calls * s.mean)[:2]:
        yield Finding(
            "slow_query",
            "warn",
            f"A query takes {write.seconds(each.mean)} on average "
            f"({write.count(each.calls)} calls): {write.short(each.text, 90)}",
            "Its page names the line that asks; an index or a smaller result helps most.",
            each.href,
        )


KINDS = {
    "n_plus_one": "asks the database once for each {subject}",
    "duplicate_read": "reads the same {subject} again and again",
    "write_loop": "writes {subject} row by row",
    "get_or_create_loop": "gets or creates {subject} one by one",
}


def repetitions(facts: Facts) -> Iterator[Finding]:
    """Statements that a request repeats without need."""
    found = [each for each in facts.repetitions if each.requests >= ENOUGH_REPEATS]
    for each in sorted(found, key=lambda r: -r.seconds)[:3]:
        name = "N+1" if each.kind == "n_plus_one" else "Repetition"
        does = KINDS[each.kind].format(subject=each.subject or "row")
        where = f" ({each.site})" if each.site else ""
        yield Finding(
            each.kind,
            "warn",
            f"{name}: {each.route} {does}, {write.count(each.count)} times a "
            f"request{where}.",
            each.advice,
            each.href,
        )


def cache(facts: Facts) -> Iterator[Finding]:
    """A cache that misses most of what it is asked."""
    for lookups, when in (
        (facts.lookups, ""),
        (facts.lookups_of_late, " of the last minute"),
    ):
        hits = sum(each.hits for each in lookups)
        misses = sum(each.misses for each in lookups)
        if hits + misses < ENOUGH_LOOKUPS or hits / (hits + misses) >= LOW_HITS:
            continue
        worst = max(lookups, key=lambda each: each.misses)
        yield Finding(
            "cache_misses",
            "warn",
            f"The cache misses {write.share(misses / (hits + misses))} of its lookups{when}; "
            f"{write.count(worst.misses)} of {write.count(misses)} misses are keys of "
            f"“{worst.prefix}”.",
            "Are these keys ever set, and do they live long enough to be read again?",
            worst.href,
        )
        break
    if facts.cache_errors >= ENOUGH_ERRORS:
        yield Finding(
            "cache_errors",
            "bad",
            f"{write.count(facts.cache_errors)} cache operations failed.",
            "Is the cache's server up and reachable? /ready/ says what it answers.",
            facts.links.get("cache", ""),
        )


def database(facts: Facts) -> Iterator[Finding]:
    """Queries that fail."""
    if facts.database_errors >= ENOUGH_ERRORS:
        yield Finding(
            "database_errors",
            "bad",
            f"{write.count(facts.database_errors)} queries failed.",
            "Is the database up, and is it out of connections? /ready/ says what it "
            "answers.",
            facts.links.get("queries", ""),
        )


def growth(facts: Facts) -> Iterator[Finding]:
    """Processes whose memory only grows."""
    growing = [
        each
        for each in facts.growths
        if each.now - each.before >= GROWTH_BYTES
        and each.now >= each.before * (1 + GROWTH_SHARE)
    ]
    if growing:
        worst = max(growing, key=lambda each: each.now - each.before)
        yield Finding(
            "memory_growth",
            "warn",
            f"The memory of {len(growing)} process{'es' if len(growing) > 1 else ''} "
            f"grows: {worst.process} from {write.size(worst.before)} to "
            f"{write.size(worst.now)}.",
            "Something is kept for every request. Until it is found, let the server "
            "restart its workers now and then (gunicorn: --max-requests).",
            worst.href,
        )


def saturation(facts: Facts) -> Iterator[Finding]:
    """What is nearly used up."""
    if facts.busy is not None and facts.busy > BUSY_SHARE:
        yield Finding(
            "saturation", "bad",
            f"{write.share(facts.busy)} of the workers are busy: requests will queue.",
            "Shorten the slowest route, or start more workers.",
            facts.links.get("hosts", ""),
        )  # fmt: skip
    for what, levels, limit, advice in (
        ("CPU", facts.cpu, CPU_SHARE, "Look for the route that uses most of it."),
        ("memory", facts.memory, MEMORY_SHARE, "Which process is it? See the hosts."),
        (
            "disk",
            facts.disks,
            DISK_SHARE,
            "Delete or move what is not needed: logs first.",
        ),
    ):
        for level in levels:
            if level.share > limit:
                yield Finding(
                    what.lower(), "bad" if level.share > 0.95 else "warn",
                    f"{what} of {level.name} is {write.share(level.share)} used.",
                    advice, level.href,
                )  # fmt: skip


def dropped(facts: Facts) -> Iterator[Finding]:
    """What Spotter itself could not keep."""
    if facts.dropped:
        yield Finding(
            "dropped",
            "warn",
            f"Spotter had to leave out {write.count(facts.dropped)} measurements.",
            "Its own page says which and why.",
            facts.links.get("self", ""),
        )


def drills(facts: Facts) -> Iterator[Finding]:
    """Rules of which nobody knows whether they reach anybody."""
    number = len(facts.not_drilled)
    if number:
        first = ", ".join(facts.not_drilled[:3]) + (" …" if number > 3 else "")
        yield Finding(
            "not_drilled",
            "warn",
            f"{number} alert rule{'s were' if number > 1 else ' was'} not drilled for 90 "
            f"days: {first}.",
            "Tell people beforehand, then: manage.py spotter drill --all --deliver",
            facts.links.get("alerts", ""),
        )


RULES: Sequence[Rule] = (
    errors, slow_routes, database, saturation, repetitions, slow_statements, cache,
    growth, dropped, drills,
)  # fmt: skip
