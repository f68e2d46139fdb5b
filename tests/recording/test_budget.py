"""Watching looks less closely when it costs too much, and says so."""

from __future__ import annotations

import pytest

from spotter import recording
from spotter.recording import buffer
from spotter.recording.budget import BUDGET, LEAST, Budget
from tests.kept import recorded


@pytest.mark.parametrize(
    ("used", "share"),
    [(BUDGET - 0.001, 1.0), (BUDGET, 1.0), (BUDGET + 0.001, 0.5)],
)
def test_what_is_over_the_budget_halves_the_share(used, share):
    budget = Budget()
    budget.spent(used * 10, 10)
    assert budget.share == share


def test_a_share_says_how_many_requests_are_looked_at():
    budget = Budget()
    budget.spent(1, 1)
    budget.spent(1, 1)
    assert sum(budget.takes() for _ in range(100)) == 25


def test_the_share_never_falls_to_nothing():
    budget = Budget()
    for _ in range(20):
        budget.spent(1, 1)
    assert budget.share == LEAST


@pytest.mark.parametrize(
    ("used", "share"),
    [(BUDGET / 4 - 0.001, 1.0), (BUDGET / 4, 0.5), (BUDGET / 2, 0.5)],
)
def test_the_share_grows_again_when_there_is_room(used, share):
    budget = Budget()
    budget.spent(1, 1)
    budget.spent(used, 1)
    assert budget.share == share


def test_a_share_below_one_is_in_the_store_and_in_the_log(kept, monkeypatch, caplog):
    poor = Budget(budget=0.0)
    monkeypatch.setattr("spotter.recording.flusher.budget", poor)
    recording.count("bookings.made")
    buffer._flusher._judged_at -= 10
    assert recorded("spotter.detail.share")[()].last == 0.5
    assert "takes more than its share" in caplog.text
