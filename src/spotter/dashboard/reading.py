"""Read the store for a page: one period, few queries, each kept for some seconds."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from spotter.dashboard.period import Period
from spotter.entries import Point, Sample, Series
from spotter.recording import deploys
from spotter.stores import Query, Store
from spotter.stores.contract import Group, kept, ladder_of

T = TypeVar("T")
Where = Mapping[str, str | Collection[str]]

#: How long an answer is good for, for whoever asks next.
KEEP_SECONDS = 5.0
MAX_KEPT = 300
#: A host that has told nothing for so long is gone, as in the metrics.
GONE_SECONDS = 300.0
NO: Where = {}

_kept: dict[Any, tuple[float, Any]] = {}


class Reader:
    """The store, as one page sees it."""

    def __init__(self, store: Store, period: Period, now: float) -> None:
        self.store = store
        self.period = period
        self.now = now

    def totals(
        self,
        name: str,
        by: tuple[str, ...] = (),
        where: Where = NO,
        *,
        buckets: bool = False,
        period: Period | None = None,
        mean_above: float = 0.0,
    ) -> dict[Group, Point]:
        """Each group's point over the whole period."""
        period = period or self.period
        query = Query(
            name=name, start=period.start, end=period.end, by=by, where=where,
            buckets=buckets, mean_above=mean_above,
        )  # fmt: skip
        return self._keep(("total", key_of(query)), lambda: self.store.total(query))

    def total(
        self,
        name: str,
        where: Where = NO,
        *,
        buckets: bool = False,
        period: Period | None = None,
    ) -> Point:
        """One point over the whole period; an empty one when there is none."""
        found = self.totals(name, (), where, buckets=buckets, period=period)
        return found.get((), Point())

    def read_ahead(
        self, asked: Mapping[str, tuple[str, ...]], period: Period | None = None
    ) -> None:
        """
        Read the totals of several metrics of few series at once, for `totals` to find.

        Args:
            asked: each metric's name, and what it is grouped by.
            period: another than the page's.
        """
        period = period or self.period
        queries = [
            Query(name=name, start=period.start, end=period.end, by=by, buckets=False)
            for name, by in asked.items()
        ]
        places = {("total", key_of(query)): query for query in queries}
        missing = {
            place: q for place, q in places.items() if self._known(place) is None
        }
        if not missing:
            return
        for place, found in zip(
            missing, self.store.totals(list(missing.values())), strict=True
        ):
            self._keep(place, functools.partial(given, found))

    def before(self, name: str, by: tuple[str, ...], seconds: float) -> set[Group]:
        """Groups of whom something was measured so shortly before the period."""
        start = self.period.start
        query = Query(name=name, start=start - seconds, end=start, by=by, buckets=False)
        return set(
            self._keep(("total", key_of(query)), lambda: self.store.total(query))
        )

    def living(
        self, found: Mapping[Group, Point], within: float = GONE_SECONDS
    ) -> dict[Group, Point]:
        """Those of whom something was heard of late; of a time that is past, all."""
        return {
            group: point
            for group, point in found.items()
            if not self.period.is_live or self.now - point.last_at < within
        }

    def windows(
        self,
        name: str,
        by: tuple[str, ...] = (),
        where: Where = NO,
        *,
        buckets: bool = False,
    ) -> dict[Group, list[Point | None]]:
        """Each group's points, one for each window of the period's charts."""
        period = self.period
        query = Query(
            name=name, start=period.start, end=period.end, by=by, where=where,
            step=period.step, buckets=buckets,
        )  # fmt: skip
        found = self._keep(("range", key_of(query)), lambda: self.store.range(query))
        return {
            group: [points.get(start) for start in period.windows]
            for group, points in found.items()
        }

    def samples(
        self,
        kind: str,
        *,
        key: str | None = None,
        limit: int = 50,
        period: Period | None = None,
        weight: float = 0,
    ) -> list[Sample]:
        """The latest samples that weigh enough: of a period, or of any time."""
        since, until = (period.start, period.end) if period else (0, None)
        return self._keep(
            ("samples", kind, key, limit, since, until, weight),
            lambda: self.store.samples(
                kind, key=key, since=since, until=until, limit=limit, weight=weight
            ),
        )

    def latest_samples(self, kind: str, keys: Collection[str]) -> dict[str, Sample]:
        """The latest sample of each key that has one."""
        asked = tuple(sorted(keys))
        return self._keep(
            ("latest", kind, asked), lambda: self.store.latest_samples(kind, asked)
        )

    def as_kept(self, name: str) -> Reader:
        """The same, drawn in windows no finer than those that are kept of a metric."""
        levels = kept(ladder_of(Series(name)), self.period.start, self.now)
        step = max(self.period.step, levels[0].window)
        return Reader(self.store, dataclasses.replace(self.period, step=step), self.now)

    def deploys(self) -> list[tuple[float, str]]:
        """When each release came, in the period."""
        found = self.samples(deploys.KIND, limit=200, period=self.period)
        return [(m.at, f"deploy {m.release}") for m in deploys.marks_of(found)]

    def written_at(self) -> float | None:
        """When anything was measured last."""
        return self._keep(("written",), self.store.written_at)

    def _keep(self, key: tuple[Any, ...], read: Callable[[], T]) -> T:
        known = self._known(key)
        if known is not None:
            value: T = known[1]
            return value
        now = time.monotonic()
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        value = read()
        _kept[id(self.store), *key] = (now + KEEP_SECONDS, value)
        return value

    def _known(self, key: tuple[Any, ...]) -> tuple[float, Any] | None:
        known = _kept.get((id(self.store), *key))
        return known if known is not None and known[0] > time.monotonic() else None


def given(value: T) -> T:
    """What was read already."""
    return value


def key_of(query: Query) -> tuple[Any, ...]:
    """A query as a key."""
    where = tuple(
        (name, value if isinstance(value, str) else tuple(value))
        for name, value in sorted(query.where.items())
    )
    return (
        query.name, query.start, query.end, query.by, where, query.step, query.buckets,
        query.mean_above,
    )  # fmt: skip
