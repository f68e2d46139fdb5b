"""
The state of one alert and how it changes: pure, from one evaluation to the next.

As Prometheus has it (https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/):
inactive, pending for `for_` seconds (`>=`), firing, and after the condition is gone
firing still for `keep_firing_for` seconds (strictly `<`). Unlike Prometheus, not to
know is not the same as false: it freezes what is pending and holds what fires.
"""

from __future__ import annotations

import dataclasses
import enum


class Truth(enum.Enum):
    """What an evaluation found."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class State(enum.StrEnum):
    """Prometheus' words."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """
    Where an alert stands; times are Unix seconds.

    Args:
        active_at: since when the condition holds, less the time nobody could tell.
        fired_at, resolved_at: when it last began and ceased to fire.
        false_since: since when the condition is gone, while it is kept firing.
        unknown_since: since when nobody can tell; None when the last look could.
        seen_at: the last evaluation.
    """

    state: State = State.INACTIVE
    active_at: float | None = None
    fired_at: float | None = None
    resolved_at: float | None = None
    false_since: float | None = None
    unknown_since: float | None = None
    seen_at: float | None = None


def step(
    status: Status, truth: Truth, now: float, *, for_: float, keep_firing_for: float
) -> Status:
    """Give the status after an evaluation at `now`."""
    if truth is Truth.UNKNOWN:
        return frozen(status, now)
    known = dataclasses.replace(status, seen_at=now, unknown_since=None)
    if truth is Truth.TRUE:
        return holds(known, now, for_)
    return ceased(known, now, keep_firing_for)


def frozen(status: Status, now: float) -> Status:
    """Nobody can tell: time does not count, and nothing resolves."""
    away = now - status.seen_at if status.seen_at is not None else 0.0
    since = now if status.unknown_since is None else status.unknown_since
    return dataclasses.replace(
        shifted(status, max(0.0, away)), seen_at=now, unknown_since=since
    )


def shifted(status: Status, seconds: float) -> Status:
    """Move running clocks on by a time that must not count: a gap, a jumping clock."""
    moved = {
        name: value + seconds
        for name in ("active_at", "false_since", "unknown_since")
        if (value := getattr(status, name)) is not None
        and (status.state is State.PENDING or name != "active_at")
    }
    return dataclasses.replace(status, **moved)


def holds(status: Status, now: float, for_: float) -> Status:
    """The condition holds."""
    if status.state is State.FIRING:
        return dataclasses.replace(status, false_since=None)
    active_at = status.active_at if status.state is State.PENDING else now
    if active_at is None or now - active_at < for_:
        return dataclasses.replace(
            status,
            state=State.PENDING,
            active_at=now if active_at is None else active_at,
        )
    return dataclasses.replace(
        status, state=State.FIRING, active_at=active_at, fired_at=now, false_since=None
    )


def ceased(status: Status, now: float, keep_firing_for: float) -> Status:
    """The condition does not hold."""
    if status.state is State.FIRING:
        since = now if status.false_since is None else status.false_since
        if now - since < keep_firing_for:
            return dataclasses.replace(status, false_since=since)
        return Status(fired_at=status.fired_at, resolved_at=now, seen_at=now)
    return dataclasses.replace(status, state=State.INACTIVE, active_at=None)
