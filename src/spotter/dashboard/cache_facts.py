"""What the servers and memories behind the caches told in a period."""

from __future__ import annotations

import dataclasses

from spotter.dashboard.reading import Reader
from spotter.entries import Point

ALIAS, HOST, PID = "cache.alias", "host.name", "process.pid"
POLICY = (ALIAS, HOST, "cache.system", "cache.policy", "cache.scope")
#: A process or server that has told nothing for so long is gone, or does not answer.
GONE_SECONDS = 60.0
#: What it is called when a process's own memory is full.
CULLING = "culling"

Key = tuple[str, str]
#: System, policy and scope.
Kind = tuple[str, str, str]
Points = dict[Key, Point]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CacheFacts:
    """
    One cache behind an alias; None where it does not tell, or has no limit.

    Args:
        host: whose own server it is; "" when hosts share it, and of memory.
        system: "redis", "memcached", "memory", or "" when it never told.
        entries: in memory those of the fullest process.
        evictions, culls, hits, misses: in the period; hits of the whole server.
        processes, hosts: in whose memory it is.
        is_up: whether its servers tell now.
        told_at: when they last did, in Unix seconds.
    """

    alias: str
    host: str = ""
    system: str = ""
    policy: str = ""
    entries: float | None = None
    entries_limit: float | None = None
    memory: float | None = None
    limit: float | None = None
    evictions: float = 0
    culls: float = 0
    hits: float | None = None
    misses: float | None = None
    processes: int = 0
    hosts: int = 0
    is_up: bool = True
    told_at: float = 0.0

    @property
    def fill(self) -> float | None:
        """How full it is, 0 to 1."""
        if self.memory is not None and self.limit:
            return self.memory / self.limit
        if self.entries is not None and self.entries_limit:
            return self.entries / self.entries_limit
        return None


def caches(reader: Reader) -> list[CacheFacts]:
    """Every cache that told of itself, by alias and host."""
    return [*servers(reader), *memories(reader)]


def servers(reader: Reader) -> list[CacheFacts]:
    """Redis and Memcached; what several hosts say of the same servers is said once."""
    known = kinds(reader)
    up = by_host(reader, "spotter.cache.server.up")
    found = {
        name: shared(by_host(reader, f"spotter.cache.{name}"), known)
        for name in ("memory.usage", "memory.limit", "evictions", "server.hits", "server.misses")
    }  # fmt: skip
    entries = shared(server_entries(reader), known)
    made = []
    for key, state in sorted(shared(up, known).items()):
        system, policy, _ = known.get(key) or known.get((key[0], "")) or ("", "", "")
        memory = found["memory.usage"].get(key)
        made.append(
            CacheFacts(
                alias=key[0],
                host=key[1],
                system=system,
                policy=policy,
                entries=last(entries.get(key)),
                memory=last(memory),
                limit=last(found["memory.limit"].get(key)),
                evictions=total(found["evictions"].get(key)) or 0,
                hits=total(found["server.hits"].get(key)),
                misses=total(found["server.misses"].get(key)),
                is_up=bool(state.last),
                told_at=memory.last_at if memory else 0.0,
            )
        )
    return made


def kinds(reader: Reader) -> dict[Key, Kind]:
    """System, policy and scope of each alias and host, as they are now."""
    found: dict[Key, tuple[float, Kind]] = {}
    policies = reader.totals("spotter.cache.server.policy", POLICY)
    for (alias, host, system, policy, scope), point in policies.items():
        for key in ((alias, host), (alias, "")):
            if key not in found or point.last_at >= found[key][0]:
                found[key] = (point.last_at, (system, policy, scope))
    return {key: kind for key, (_, kind) in found.items()}


def by_host(reader: Reader, name: str) -> Points:
    """A metric by alias and by who asked."""
    return {
        (alias, host): p
        for (alias, host), p in reader.totals(name, (ALIAS, HOST)).items()
    }


def server_entries(reader: Reader) -> Points:
    """Entries on servers, not in anybody's memory."""
    found = reader.totals("spotter.cache.entries", (ALIAS, HOST, PID))
    return {(alias, host): p for (alias, host, pid), p in found.items() if not pid}


def shared(points: Points, known: dict[Key, Kind]) -> Points:
    """
    One point for servers that hosts share: each host saw all of it.

    Of a counter the host's that watched longest, of a gauge the latest: both is the
    point with more readings, unless it is of a host that asks no more.
    """
    made: Points = {}
    for (alias, host), point in points.items():
        key = place_of(alias, host, known)
        made[key] = merged(made[key], point) if key in made else point
    return made


def place_of(alias: str, host: str, known: dict[Key, Kind]) -> Key:
    """The cache that a host tells of: its own, or that of all."""
    _, _, scope = known.get((alias, host)) or known.get((alias, "")) or ("", "", "")
    return (alias, host if scope == "host" else "")


def merged(one: Point, other: Point) -> Point:
    """What two hosts saw of the same thing."""
    point = Point()
    latest = max(one, other, key=lambda each: each.last_at)
    point.last, point.last_at = latest.last, latest.last_at
    point.sum, point.count = max(one.sum, other.sum), max(one.count, other.count)
    return point


def memories(reader: Reader) -> list[CacheFacts]:
    """Caches in the memory of processes, those of all hosts together."""
    entries: dict[str, list[Point]] = {}
    hosts: dict[str, set[str]] = {}
    found = reader.totals("spotter.cache.entries", (ALIAS, HOST, PID))
    for (alias, host, pid), point in found.items():
        is_alive = reader.now - point.last_at < GONE_SECONDS
        if pid and (is_alive or not reader.period.is_live):
            entries.setdefault(alias, []).append(point)
            hosts.setdefault(alias, set()).add(host)
    limits, evictions, culls = (
        reader.totals(f"spotter.cache.{name}", (ALIAS,))
        for name in ("entries.limit", "evictions", "culls")
    )
    return [
        CacheFacts(
            alias=alias,
            system="memory",
            policy=CULLING,
            entries=max(point.last for point in points),
            entries_limit=last(limits.get((alias,))),
            evictions=total(evictions.get((alias,))) or 0,
            culls=total(culls.get((alias,))) or 0,
            processes=len(points),
            hosts=len(hosts[alias]),
            told_at=max(point.last_at for point in points),
        )
        for alias, points in sorted(entries.items())
    ]


def windows_of(reader: Reader, name: str) -> dict[Key, list[float | None]]:
    """How much a counter of the servers or memories grew in each window of a chart."""
    known = kinds(reader)
    made: dict[Key, list[float | None]] = {}
    of_memory = {cache.alias for cache in memories(reader)}
    for (alias, host), points in reader.windows(name, (ALIAS, HOST)).items():
        amounts = [point.sum if point else None for point in points]
        key = (alias, "") if alias in of_memory else place_of(alias, host, known)
        before, add = made.get(key), plus if alias in of_memory else most
        made[key] = [*map(add, before, amounts)] if before else amounts
    return made


def most(one: float | None, other: float | None) -> float | None:
    """The larger of what two hosts saw of the same thing."""
    return max((n for n in (one, other) if n is not None), default=None)


def plus(one: float | None, other: float | None) -> float | None:
    """What two hosts saw of their own."""
    known = [n for n in (one, other) if n is not None]
    return sum(known) if known else None


def lookups(reader: Reader) -> dict[str, tuple[float, float]]:
    """Hits and misses of what the project asked, by alias."""
    found: dict[str, dict[str, float]] = {}
    by = (ALIAS, "result")
    for (alias, result), point in reader.totals("spotter.cache.lookups", by).items():
        found.setdefault(alias, {"hit": 0, "miss": 0})[result] = point.sum
    return {alias: (each["hit"], each["miss"]) for alias, each in found.items()}


def last(point: Point | None) -> float | None:
    """The last reading of a gauge; None where there was none."""
    return None if point is None else point.last


def total(point: Point | None) -> float | None:
    """How much a counter grew; None where there is none."""
    return None if point is None else point.sum


def hit_share(hits: float, misses: float) -> float | None:
    """Hits of all lookups; None when there were none."""
    return hits / (hits + misses) if hits + misses else None
