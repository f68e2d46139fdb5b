"""
How many names and label sets there may be in one process.

What has a label set too many is measured as `__other__`; what has a name too many is not.
"""

from __future__ import annotations

from spotter.entries import Labels, Series
from spotter.stores.contract import is_own

OTHER = "__other__"
#: Label sets of one metric in one process: two thousand statements and their callers.
MAX_LABEL_SETS = 2500
#: Names besides those of Spotter's own metrics.
MAX_NAMES = 500
#: Characters of one label's value.
MAX_VALUE = 200
#: Metrics of statements, each of which was chosen, as `Fingerprints` does, before it
#: gets here: what is new is measured, and what came first makes room.
ROLLING = frozenset((
    "spotter.db.statement.callers",
    "spotter.db.statement.duration",
    "spotter.db.statement.rows",
))  # fmt: skip


class Bounds:
    """
    Admits the label sets that come first; for one thread at a time.

    Of a statement's metrics it lets go of those instead, or the statements of a
    process's first hours would keep their places for the rest of its life. One that is
    still in use comes again with the next window and has the same series.
    """

    def __init__(self, limit: int = MAX_LABEL_SETS, names: int = MAX_NAMES) -> None:
        self.limit = limit
        #: How many names there is room for still.
        self._names_left = names
        self._admitted: dict[str, dict[Labels, Series]] = {}
        # A route's, or a statement's, is in several series of several metrics.
        self._pairs: dict[tuple[str, str], tuple[str, str]] = {}

    def admit(self, name: str, labels: Labels) -> tuple[Series | None, bool]:
        """
        Give the series to measure under, and whether it is the one asked for.

        None where there are too many names: values of different things have no sum.
        """
        known = self._admitted.get(name)
        if known is None:
            if not is_own(name):
                if self._names_left <= 0:
                    return None, False
                self._names_left -= 1
            known = self._admitted[name] = {}
        series = known.get(labels)
        if series is not None:
            return series, True
        if len(known) >= self.limit:
            if name not in ROLLING:
                return Series(name, tuple((key, OTHER) for key, _ in labels)), False
            self._let_go(known)
        labels = tuple(self._pairs.setdefault(pair, pair) for pair in labels)
        series = known[labels] = Series(name, shortened(labels))
        return series, True

    def _let_go(self, known: dict[Labels, Series]) -> None:
        oldest = next(iter(known))
        del known[oldest]
        for pair in oldest:
            # Whoever has it still keeps it; the next to ask for it has one of its own.
            self._pairs.pop(pair, None)


def shortened(labels: Labels) -> Labels:
    """The same labels, unless a value is too long; most never are."""
    if all(len(value) <= MAX_VALUE for _, value in labels):
        return labels
    return tuple((key, value[:MAX_VALUE]) for key, value in labels)
