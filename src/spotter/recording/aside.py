"""Drills are measured by the same code as everything else, but in series of their own."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

from spotter.entries import DRILL_LABEL, DRILL_PREFIX, Batch, Labels, Point, Sample
from spotter.recording.bounds import Bounds
from spotter.recording.measures import Item, Measures

T = TypeVar("T")

_diverted: contextvars.ContextVar[Callable[[Item], object] | None] = (
    contextvars.ContextVar("spotter_diverted", default=None)
)
#: Who takes what is captured here instead of the buffer; None nearly always.
diverted_to = _diverted.get


@contextlib.contextmanager
def diverted(take: Callable[[Item], object]) -> Iterator[None]:
    """Hand what this thread captures to somebody instead of to the buffer."""
    token = _diverted.set(take)
    try:
        yield
    finally:
        _diverted.reset(token)


class Aside(Measures):
    """
    The coming batch as an item of a drill sees it.

    No name that a page, a rule, a report or a scraper asks for can be reached through
    it, so a drill changes no total; examples of a drill are not kept.
    """

    def __init__(self, into: Measures, drill: str) -> None:
        self.batch = into.batch
        self._into = into
        self._drill = drill

    def _point(self, name: str, labels: Labels, at: float) -> Point:
        marked = tuple(sorted((*labels, (DRILL_LABEL, self._drill))))
        return self._into._point(DRILL_PREFIX + name, marked, at)

    def keep(
        self, key: Hashable, at: float, make: Callable[..., T], *arguments: object
    ) -> T:
        return self._into.keep((DRILL_PREFIX, self._drill, key), at, make, *arguments)

    def sample(self, sample: Sample) -> None:
        """Not kept: it would be an example of what nobody did."""

    def drop(self, what: str, reason: str, at: float, amount: int = 1) -> None:
        """Not counted."""


class SetAside:
    """An item of a drill on its way through the ordinary buffer."""

    __slots__ = ("drill", "item")

    def __init__(self, item: Item, drill: str) -> None:
        self.item = item
        self.drill = drill

    def measure(self, into: Measures) -> None:
        """Add it to the drill's series."""
        self.item.measure(Aside(into, self.drill))


def captured(drill: str, capture: Callable[[], object]) -> Batch:
    """What `capture` measures, as a batch of a drill's series."""
    items: list[Item] = []
    with diverted(items.append):
        capture()
    measures = Measures(Bounds())
    for item in items:
        SetAside(item, drill).measure(measures)
    return measures.batch
