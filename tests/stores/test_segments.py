"""A range is cut into the coarsest whole windows, each instant once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotter.stores.contract import DAY, HOUR, LEVELS, MINUTE, segments
from tests.stores.conftest import NOW

MARKS = {10: 0, MINUTE: NOW - 40, 15 * MINUTE: NOW - MINUTE, HOUR: NOW - 15 * MINUTE, 6 * HOUR: NOW - HOUR, DAY: NOW - 4 * HOUR, 10 * DAY: NOW - 34 * HOUR}  # fmt: skip


@given(st.integers(10, HOUR // 2), st.integers(0, HOUR // 2))
def test_every_instant_is_read_once(length, ago):
    end = NOW - ago
    pieces = segments(end - length, end, MARKS, NOW)
    for one, following in itertools.pairwise(pieces):
        assert one.end == following.start
    assert (end - length) - pieces[0].start < 10
    assert pieces[-1].end == end


def test_what_is_kept_as_minutes_is_read_as_minutes_as_long_as_it_is_kept():
    pieces = segments(NOW - 90 * DAY, NOW, MARKS, NOW, LEVELS[:2])
    assert max(piece.level.window for piece in pieces) == MINUTE
    assert NOW - pieces[0].start <= LEVELS[1].keep + MINUTE


def test_ninety_days_are_read_as_days():
    pieces = segments(NOW - 90 * DAY, NOW, MARKS, NOW)
    rows = sum((p.end - p.start) / p.level.window for p in pieces)
    assert rows < 90 + 24 + 2 * 60 + 10


@pytest.mark.parametrize(
    "level",
    [
        level
        for finer, level in itertools.pairwise(LEVELS)
        if level.keep > finer.keep + 4 * level.window
    ],
)
def test_where_the_finer_windows_are_gone_the_coarse_one_is_taken_whole(level):
    finer = LEVELS[LEVELS.index(level) - 1]
    start = NOW - finer.keep - 3 * level.window + 1
    pieces = segments(start, NOW, MARKS, NOW)
    assert pieces[0].start == start // level.window * level.window
