"""The period is read from the address, and a wrong one is refused."""

from __future__ import annotations

import pytest

from spotter.dashboard.period import PERIODS, PeriodError, period_of
from spotter.stores.contract import LEVELS

NOW = 1_764_064_803.0


@pytest.mark.parametrize("name", PERIODS)
def test_a_named_period_ends_now_and_is_drawn_in_whole_steps(name):
    period = period_of({"period": name}, NOW)
    assert 0 < period.end - NOW <= 10
    assert period.start % period.step == 0
    assert any(period.step % level.window == 0 for level in LEVELS)
    assert len(period.windows) <= 200


@pytest.mark.parametrize("now", [NOW // 10 * 10, NOW // 10 * 10 + 9.9])
def test_the_window_that_is_being_filled_is_in_the_period(now):
    assert now // 10 * 10 < period_of({"period": "15m"}, now).end


def test_a_range_of_ones_own_is_read_as_utc_unless_it_says_otherwise():
    asked = {"from": "2026-01-31T09:00", "to": "2026-01-31T12:00+01:00"}
    period = period_of(asked, NOW)
    assert (period.seconds, period.is_live) == (2 * 3600, False)
    assert period.query == "from=2026-01-31T09%3A00%3A00&to=2026-01-31T11%3A00%3A00"


@pytest.mark.parametrize(
    "asked",
    [
        {"period": "fortnight"},
        {"from": "yesterday"},
        {"from": "2026-01-02", "to": "2026-01-01"},
        {"from": "2026-01-01", "to": "2026-01-01"},
        {"to": "2026-01-01"},
        {"from": "2001-01-01", "to": "2026-01-01"},
    ],
)
def test_a_period_that_is_none_is_refused(asked):
    with pytest.raises(PeriodError):
        period_of(asked, NOW)


def test_the_period_before_is_as_long_and_ends_where_this_begins():
    period = period_of({"period": "6h"}, NOW)
    before = period.previous()
    assert (before.end, before.seconds) == (period.start, period.seconds)


@pytest.mark.parametrize(
    ("ago", "step"), [("2025-11-25T08:00", 60), ("2025-11-20T08:00", 3600)]
)
def test_a_range_whose_minutes_are_gone_is_drawn_in_hours(ago, step):
    """25 November 2025, 10:00: of the 20th there are no minutes any more."""
    asked = {"from": ago, "to": ago.replace("T08", "T09")}
    assert period_of(asked, NOW).step == step
