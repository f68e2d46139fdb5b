"""Which time a page is about: in its address, and kept from page to page."""

from __future__ import annotations

import dataclasses
import datetime
import urllib.parse
from collections.abc import Mapping

from spotter.exceptions import SpotterError
from spotter.stores.contract import LEVELS, kept

MINUTE, HOUR, DAY = 60, 3600, 86400
#: By its name: the length, and the windows that its charts are drawn in.
PERIODS = {
    "15m": (15 * MINUTE, 10),
    "1h": (HOUR, MINUTE),
    "6h": (6 * HOUR, 5 * MINUTE),
    "24h": (DAY, 15 * MINUTE),
    "7d": (7 * DAY, HOUR),
    "30d": (30 * DAY, 6 * HOUR),
    "90d": (90 * DAY, DAY),
}
DEFAULT = "1h"
#: The most windows that a chart is drawn in, for a range of one's own.
MAX_WINDOWS = 200
STEPS = (10, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY)
LONGEST = 730 * DAY


class PeriodError(SpotterError):
    """The address asks for a time that there is not."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From `start` up to, not including, `end`, in Unix seconds; drawn in steps."""

    name: str
    start: int
    end: int
    step: int

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.end - self.start

    @property
    def minutes(self) -> float:
        """How long it is, in minutes."""
        return self.seconds / 60

    @property
    def query(self) -> str:
        """What stands for it in an address."""
        if self.name:
            return urllib.parse.urlencode({"period": self.name})
        return urllib.parse.urlencode({"from": iso(self.start), "to": iso(self.end)})

    @property
    def is_live(self) -> bool:
        """Whether its end is now, so that it is worth looking again."""
        return bool(self.name)

    @property
    def windows(self) -> list[int]:
        """Where each step begins."""
        return list(range(self.start // self.step * self.step, self.end, self.step))

    def previous(self) -> Period:
        """The same length of time before."""
        return dataclasses.replace(
            self, start=self.start - self.seconds, end=self.start
        )


def period_of(asked: Mapping[str, str], now: float) -> Period:
    """
    Read the period from an address.

    Raises:
        PeriodError: it names none that there is.
    """
    if asked.get("from") or asked.get("to"):
        return own_range(asked.get("from", ""), asked.get("to", ""), now)
    name = asked.get("period") or DEFAULT
    if name not in PERIODS:
        raise PeriodError(
            f"There is no period {name!r}. There are: {', '.join(PERIODS)}."
        )
    length, step = PERIODS[name]
    # Whole windows, the one that is being filled included.
    end = int(now) // 10 * 10 + 10
    return Period(name=name, start=(end - length) // step * step, end=end, step=step)


def own_range(start: str, end: str, now: float) -> Period:
    """A range that somebody asked for."""
    since = instant(start, "from")
    until = instant(end, "to") if end else int(now)
    if not since < until:
        raise PeriodError(
            "The range ends before it begins: `from` must be before `to`."
        )
    if until - since > LONGEST:
        raise PeriodError("The range is longer than the two years that are kept.")
    finest = kept(LEVELS, since, now)[0].window
    step = next(
        (s for s in STEPS if s >= finest and (until - since) / s <= MAX_WINDOWS),
        STEPS[-1],
    )
    return Period(name="", start=since, end=until, step=step)


def instant(text: str, name: str) -> int:
    """An instant in ISO 8601; UTC unless it says otherwise."""
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise PeriodError(
            f"{name}={text!r} is not a time: write it as 2026-01-31T09:00."
        ) from error
    at = at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
    return int(at.timestamp())


def iso(at: int) -> str:
    """An instant as it stands in an address."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime(
        "%Y-%m-%dT%H:%M:%S"
    )
