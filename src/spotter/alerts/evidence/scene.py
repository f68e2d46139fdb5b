"""What evidence is looked for in: an alert, an instant, and where to read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from spotter.alerts.evidence.piece import Piece
from spotter.alerts.expressions import ask
from spotter.alerts.records import Alert
from spotter.alerts.rules import Rule
from spotter.entries import Point, Sample
from spotter.stores.contract import Query

SHORTEST, LONGEST = 300.0, 3600.0


class Sees(Protocol):
    """What evidence is read from: the store, as the watcher sees it."""

    def total(self, query: Query) -> dict[tuple[str, ...], Point]: ...
    def written_at(self) -> float | None: ...
    def samples(
        self,
        kind: str,
        *,
        since: float,
        limit: int,
        key: str | None = None,
        weight: float = 0,
    ) -> Sequence[Sample]: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One alert that begins to fire."""

    source: Sees
    rule: Rule
    alert: Alert
    now: float

    @property
    def window(self) -> float:
        """What the rule looks at, from five minutes to an hour."""
        given = float(getattr(self.rule.expression, "window", SHORTEST))
        return min(max(given, SHORTEST), LONGEST)

    @property
    def minutes(self) -> str:
        """The window in words."""
        return f"{self.window / 60:g} min"

    def label(self, *names: str) -> str:
        """The first of some labels that the alert has; "" for none."""
        return next((v for n in names if (v := self.alert.labels.get(n))), "")

    def totals(self, name: str, *by: str, **options: Any) -> dict[Any, Point]:
        """A metric over the window, by the values of labels."""
        seconds = options.pop("seconds", self.window)
        found = ask(self.source, name, self.now, seconds, by=by, **options)
        return {(g[0] if len(by) == 1 else g): p for g, p in found.items() if p.count}

    def samples(self, kind: str, since: float, **options: Any) -> Sequence[Sample]:
        """The latest samples of a kind."""
        options.setdefault("limit", 50)
        return self.source.samples(kind, since=since, **options)


#: Looks for one kind of evidence.
Look = Callable[[Scene], Iterator[Piece]]
