"""Whether a job is as it should be, by its signs of life: pure."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
from collections.abc import Sequence
from statistics import median

from spotter.alerts.records import Ping
from spotter.exceptions import ConfigurationError

START, SUCCESS, FAILURE = "start", "success", "failure"
KINDS = (START, SUCCESS, FAILURE)
#: A backup this much smaller than the median of those before is no backup.
SMALL_SHARE = 0.5
#: A run that takes so many times the median of those before, and so much longer, is
#: told: the next one may not end before it is due.
SLOW_TIMES, SLOW_SECONDS = 3.0, 60.0
#: From so many runs before on there is something usual, and so many are looked at.
USUAL_FROM, USUAL_OF = 3, 15
#: The grace where none is given: clocks of a country change by an hour twice a year,
#: which is within a tenth of a day.
LEAST_GRACE, GRACE_SHARE = 600.0, 0.1

Duration = float | int | str | datetime.timedelta
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds_of(given: Duration) -> float:
    """
    A duration as people write it: 90, "15m", "1d", timedelta(hours=6).

    Raises:
        ConfigurationError: it is none, or not above 0.
    """
    seconds = 0.0
    if isinstance(given, datetime.timedelta):
        seconds = given.total_seconds()
    elif isinstance(given, str):
        match = _DURATION.fullmatch(given.strip())
        seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    elif not isinstance(given, bool):
        seconds = float(given)
    if not 0 < seconds < float("inf"):
        raise ConfigurationError(
            f"{given!r} is no duration: give seconds, a timedelta, or a text such as "
            "'15m', '6h' or '1d'. Instead of a cron expression say how often it runs."
        )
    return seconds


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """
    A job that must report success so often.

    Args:
        every_seconds, grace_seconds: it is missing when the last success is older
            than both together; the grace is a tenth of the interval, ten minutes at
            least, when None.
        max_seconds: how long one run may take; any time when None.
        is_backup: told as BackupMissing, and its size is watched.
    """

    name: str
    every_seconds: float
    grace_seconds: float | None = None
    max_seconds: float | None = None
    is_backup: bool = False

    @property
    def allowed_seconds(self) -> float:
        """How old the last success may be."""
        grace = self.grace_seconds
        if grace is None:
            grace = max(LEAST_GRACE, GRACE_SHARE * self.every_seconds)
        return self.every_seconds + grace


def problem_of(
    heartbeat: Heartbeat,
    pings: Sequence[Ping],
    now: float,
    registered_at: float | None = None,
) -> str:
    """
    What is wrong with a job, in words; "" when nothing is.

    Args:
        pings: the latest first.
        registered_at: since when it is known; one that has never run is missing only
            after its first interval since then.
    """
    name = heartbeat.name
    pings = believed(heartbeat, pings, now)
    ended = [ping for ping in pings if ping.kind != START]
    running = now - pings[0].at if pings and pings[0].kind == START else 0.0
    if heartbeat.max_seconds and running > heartbeat.max_seconds:
        longest = in_words(heartbeat.max_seconds)
        return f"{name} has been running for {in_words(running)}; it may take {longest}"
    if ended and ended[0].kind == FAILURE:
        return failure_of(name, ended[0])
    began = f"; it began {in_words(running)} ago and has not ended" if running else ""
    if not ended:
        known = now - (now if registered_at is None else registered_at)
        late = known > heartbeat.allowed_seconds
        return f"{name} has never reported success{began}" if late else ""
    age = now - ended[0].at
    if age > heartbeat.allowed_seconds:
        every = in_words(heartbeat.every_seconds)
        return (
            f"{name} succeeded last {in_words(age)} ago; it should every {every}{began}"
        )
    return too_small(heartbeat, ended) or too_slow(heartbeat, pings)


def believed(heartbeat: Heartbeat, pings: Sequence[Ping], now: float) -> list[Ping]:
    """
    Without those that a clock, since set right, dated far ahead.

    Else a job that ended "next year" would be in time until then.
    """
    latest = now + heartbeat.allowed_seconds
    return [ping for ping in pings if ping.at <= latest]


def failure_of(name: str, ping: Ping) -> str:
    """How it failed: the code, and the end of what it said."""
    code = ping.body.get("exit_code")
    how = f"{name} failed" + (f" with exit code {code}" if code is not None else "")
    said = str(ping.body.get("output", "")).strip()[-200:]
    return f"{how}: {said}" if said else how


def too_small(heartbeat: Heartbeat, ended: Sequence[Ping]) -> str:
    """Whether a backup is much smaller than those before."""
    sizes = [
        ping.body["size"]
        for ping in successes_of(ended)
        if isinstance(ping.body.get("size"), int)
    ]
    if not heartbeat.is_backup or not sizes:
        return ""
    if not sizes[0]:
        return f"{heartbeat.name} is empty"
    before = sizes[1:]
    usual = median(before) if len(before) >= USUAL_FROM else 0
    if sizes[0] < SMALL_SHARE * usual:
        return f"{heartbeat.name} has {sizes[0]:,} bytes; the median before was {usual:,.0f}"
    return ""


def too_slow(heartbeat: Heartbeat, pings: Sequence[Ping]) -> str:
    """Whether the last run took much longer than those before."""
    took = durations(pings)[:USUAL_OF]
    if len(took) <= USUAL_FROM:
        return ""
    last, usual = took[0], median(took[1:])
    if last > SLOW_TIMES * usual and last > usual + SLOW_SECONDS:
        return (
            f"{heartbeat.name} took {in_words(last)}; "
            f"the median before was {in_words(usual)}"
        )
    return ""


def successes_of(ended: Sequence[Ping]) -> list[Ping]:
    """The latest runs that went well."""
    return [ping for ping in ended if ping.kind == SUCCESS][:USUAL_OF]


def durations(pings: Sequence[Ping]) -> list[float]:
    """
    How long each run that went well took, the latest first.

    As it says itself, else from its start, where that was reported.
    """
    found = []
    for ping, before in itertools.pairwise([*pings, None]):
        if ping is None or ping.kind != SUCCESS:
            continue
        seconds = ping.body.get("seconds")
        if isinstance(seconds, int | float):
            found.append(float(seconds))
        elif before is not None and before.kind == START:
            found.append(max(0.0, ping.at - before.at))
    return found


def in_words(seconds: float) -> str:
    """A long time in words."""
    if seconds >= 172_800:
        return f"{seconds / 86400:.1f} days"
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
