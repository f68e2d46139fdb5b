"""What one server of a cache says of itself, and what several say together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from spotter.exceptions import SpotterError


class ServerError(SpotterError):
    """A cache's server does not tell; the message says why, without its address."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """
    One server at one instant; None where it does not tell, or has no limit.

    Args:
        address: which server of its cache; compared, and never shown.
        system: "redis" or "memcached".
        policy: what it does when it is full, in its own words.
        is_local: whether each host has one of its own.
        life: something that changes when the server starts anew.
        uptime: seconds since it started.
        totals: its counters, by their metrics' names.
        is_replica: whether it holds what another server of the cache holds.
    """

    address: str
    system: str
    policy: str
    is_local: bool
    life: str
    uptime: int
    totals: Mapping[str, int]
    entries: int | None = None
    memory: int | None = None
    limit: int | None = None
    is_replica: bool = False


def grown(before: Status | None, now: Status) -> dict[str, int]:
    """How much each total grew between two looks at one server."""
    if before is None:
        # What was before the first look is past: but 0 is told, so that the counter
        # exists before the first eviction, whose rule would otherwise see no change.
        return dict.fromkeys(now.totals, 0)
    if has_begun_anew(before, now):
        return dict(now.totals)
    return {name: total - before.totals[name] for name, total in now.totals.items()}


def has_begun_anew(before: Status, now: Status) -> bool:
    """Whether the totals count from 0 again: a restart, or somebody reset them."""
    return (
        now.life != before.life
        or now.uptime < before.uptime
        or any(total < before.totals.get(n, 0) for n, total in now.totals.items())
    )


def together(amounts: Sequence[int | None]) -> int | None:
    """The servers of one cache add up; unknown of one is unknown of all."""
    known = [each for each in amounts if each is not None]
    return sum(known) if known and len(known) == len(amounts) else None


def holders(servers: Sequence[Status]) -> Sequence[Status]:
    """Those whose entries count: what a replica holds is there already."""
    return [server for server in servers if not server.is_replica] or servers


def scope_of(servers: Sequence[Status]) -> str:
    """Whether hosts share these servers or each has its own."""
    return "host" if all(server.is_local for server in servers) else "shared"
