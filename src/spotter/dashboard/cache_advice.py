"""What a cache does when it is full, and what to do about one that is: in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Finding
from spotter.dashboard.cache_facts import CULLING, CacheFacts

#: From when on a cache that refuses to evict is nearly full.
NEARLY_FULL = 0.9
#: Evictions of a period that are worth a word, when the hit rate is below this.
ENOUGH_EVICTIONS, LOW_HITS = 100, 0.8
#: Culls of a period that are worth a word.
ENOUGH_CULLS = 10

VOLATILE = "refuses writes once nothing is left that expires"
#: What each policy means on the day that the memory is full: in short, and in full.
MEANINGS = {
    "noeviction": ("refuses writes", "refuses writes, and reads on"),
    "allkeys-lru": ("evicts", "evicts what was not read for longest"),
    "allkeys-lfu": ("evicts", "evicts what is read least"),
    "allkeys-random": ("evicts", "evicts anything, whatever it is worth"),
    "volatile-lru": ("evicts what expires", f"evicts, of what expires, what was not read for longest; {VOLATILE}"),
    "volatile-lfu": ("evicts what expires", f"evicts, of what expires, what is read least; {VOLATILE}"),
    "volatile-random": ("evicts what expires", f"evicts anything that expires; {VOLATILE}"),
    "volatile-ttl": ("evicts what expires", f"evicts what expires soonest; {VOLATILE}"),
    "lru": ("evicts", "evicts what was not read for longest"),
    CULLING: ("drops a part", "drops part of its entries at once, by default a third"),
}  # fmt: skip


def in_short(cache: CacheFacts) -> str:
    """What a cache does when it is full, in two words, with the policy's name."""
    if cache.system == "redis" and cache.memory is not None and cache.limit is None:
        return "has no limit"
    short, _ = MEANINGS.get(cache.policy, ("", ""))
    if not short or cache.policy == CULLING:
        return short or cache.policy
    return f"{short} ({cache.policy})"


def explained(caches: Sequence[CacheFacts]) -> str:
    """What the policies in use mean, a sentence each."""
    policies = sorted({cache.policy for cache in caches if cache.limit})
    told = [f"{p} {MEANINGS[p][1]}." for p in policies if p in MEANINGS]
    if any(cache.policy == CULLING for cache in caches):
        told.append(f"Local memory {MEANINGS[CULLING][1]}.")
    if any(in_short(cache) == "has no limit" for cache in caches):
        told.append(
            "A Redis without maxmemory takes what the host has, until the kernel kills "
            "it or something else."
        )
    return " ".join(told)


def refuses(cache: CacheFacts) -> bool:
    """Whether its policy may come to refuse writes."""
    return cache.policy == "noeviction" or cache.policy.startswith("volatile-")


def is_in_danger(cache: CacheFacts) -> bool:
    """Whether it will refuse writes soon."""
    is_full = bool(cache.limit) and (cache.fill or 0) >= NEARLY_FULL
    return is_full and refuses(cache)


def advice(
    caches: Sequence[CacheFacts], hit_shares: Mapping[str, float | None], minutes: float
) -> list[Finding]:
    """Every finding, the worst first."""
    found = [
        finding
        for cache in caches
        for rule in (silent, refusing, evicting, culling)
        for finding in rule(cache, hit_shares.get(cache.alias), minutes)
    ]
    return sorted(found, key=lambda finding: finding.tone != "bad")


def name_of(cache: CacheFacts) -> str:
    """How a cache is called in a sentence."""
    return f"“{cache.alias}”{f' on {cache.host}' if cache.host else ''}"


def silent(cache: CacheFacts, hits: float | None, minutes: float) -> Iterator[Finding]:
    """Its servers do not tell how they are."""
    if not cache.is_up:
        yield Finding(
            "cache_silent",
            "warn",
            f"A server of the cache {name_of(cache)} does not tell how it is.",
            "It may be down, or may not be asked: lines of the logger spotter.caches "
            "say which. /ready/ says whether the cache works.",
        )


def refusing(
    cache: CacheFacts, hits: float | None, minutes: float
) -> Iterator[Finding]:
    """It is nearly full, and will refuse writes rather than evict."""
    if is_in_danger(cache):
        yield Finding(
            "cache_refuses",
            "bad" if cache.policy == "noeviction" else "warn",
            f"The cache {name_of(cache)} uses {write.share(cache.fill)} of its memory. "
            f"When it is full, it {MEANINGS[cache.policy][1]} ({cache.policy}).",
            remedy(cache),
        )


def remedy(cache: CacheFacts) -> str:
    """How to let a full cache evict, without taking a broker's tasks for entries."""
    if cache.system == "memcached":
        return "Start memcached without -M, or give it more memory (-m)."
    return (
        "If nothing but a cache is in it: CONFIG SET maxmemory-policy allkeys-lru. A "
        "Redis that holds tasks or sessions must not evict: give it more memory, and "
        "the cache a Redis of its own."
    )


def evicting(
    cache: CacheFacts, hits: float | None, minutes: float
) -> Iterator[Finding]:
    """What makes room is missed."""
    if cache.system == "memory" or cache.evictions < ENOUGH_EVICTIONS:
        return
    if hits is not None and hits < LOW_HITS:
        yield Finding(
            "cache_evicts",
            "warn",
            f"The cache {name_of(cache)} evicts "
            f"{write.per_minute(cache.evictions / minutes)} before their time, and only "
            f"{write.share(hits)} of lookups hit.",
            "It is too small for what is put into it: give it more memory, or keep "
            "large and rarely read entries out of it.",
        )


def culling(cache: CacheFacts, hits: float | None, minutes: float) -> Iterator[Finding]:
    """Local memory is full again and again."""
    if cache.culls >= ENOUGH_CULLS:
        yield Finding(
            "cache_culls",
            "warn",
            f"The cache {name_of(cache)} made room {write.count(cache.culls)} times: "
            f"each process keeps {write.count(cache.entries_limit)} entries.",
            'Raise OPTIONS["MAX_ENTRIES"], or use Redis or Memcached, which processes '
            "share: now each of them has to fill its own.",
        )
