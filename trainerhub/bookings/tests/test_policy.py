"""What a cancellation costs, below, at and above the notice."""

from __future__ import annotations

import datetime as dt

import pytest

from trainerhub.bookings.policy import (
    FREE,
    CancellationPolicy,
    Consequence,
    cancelled_by_client,
    late,
)

STARTS_AT = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
HALF = Consequence(fee_minor=2250, returns_session=False)


@pytest.mark.parametrize(
    ("notice", "consequence"),
    [
        (dt.timedelta(hours=24) + SECOND, FREE),
        (dt.timedelta(hours=24), FREE),
        (dt.timedelta(hours=24) - SECOND, HALF),
        (dt.timedelta(0), HALF),
        (-SECOND, HALF),
    ],
)
def test_the_notice_decides(notice, consequence):
    policy = CancellationPolicy(notice_hours=24, late_percent=50)
    assert consequence == cancelled_by_client(
        policy, price_minor=4500, starts_at=STARTS_AT, now=STARTS_AT - notice
    )


@pytest.mark.parametrize(
    ("price", "percent", "fee"),
    [(4500, 0, 0), (4500, 100, 4500), (1, 50, 1), (1, 49, 0)],
)
def test_a_fee_is_rounded_to_the_nearest_minor_unit(price, percent, fee):
    policy = CancellationPolicy(notice_hours=24, late_percent=percent)
    assert late(policy, price_minor=price).fee_minor == fee
