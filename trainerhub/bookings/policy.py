"""What it costs to cancel, or not to come."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationPolicy:
    """Free until so many hours before the session, then so many percent."""

    notice_hours: int
    late_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What follows for the client."""

    fee_minor: int
    returns_session: bool


FREE = Consequence(fee_minor=0, returns_session=True)


def cancelled_by_client(
    policy: CancellationPolicy,
    *,
    price_minor: int,
    starts_at: dt.datetime,
    now: dt.datetime,
) -> Consequence:
    """Exactly the notice that was asked for is in time."""
    if starts_at - now >= dt.timedelta(hours=policy.notice_hours):
        return FREE
    return late(policy, price_minor=price_minor)


def late(policy: CancellationPolicy, *, price_minor: int) -> Consequence:
    """Give the fee, half a minor unit rounded up; a package's session is used."""
    fee = (price_minor * policy.late_percent + 50) // 100
    return Consequence(fee_minor=fee, returns_session=False)
