"""What is said about the caches of a period: all on their page, the worst on the first."""

from __future__ import annotations

import dataclasses

from spotter.dashboard.blocks import Finding
from spotter.dashboard.cache_advice import NEARLY_FULL, advice
from spotter.dashboard.cache_facts import CacheFacts, caches, hit_share, lookups
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import address


def findings(reader: Reader, found: list[CacheFacts]) -> list[Finding]:
    """Everything that is to be done about these caches."""
    shares = {alias: hit_share(*pair) for alias, pair in lookups(reader).items()}
    return advice(found, shares, reader.period.minutes)


def urgent(reader: Reader) -> list[Finding]:
    """What cannot wait, for the first page, which asks for no more than it must."""
    by = ("cache.alias", "host.name")
    limits = reader.totals("spotter.cache.memory.limit", by)
    used = reader.totals("spotter.cache.memory.usage", by) if limits else {}
    if not any(
        key in used and used[key].last >= NEARLY_FULL * limit.last
        for key, limit in limits.items()
    ):
        return []
    return [
        dataclasses.replace(finding, href=address("cache", reader.period))
        for finding in findings(reader, caches(reader))
        if finding.tone == "bad"
    ]
