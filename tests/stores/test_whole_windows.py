"""A chart is read from the windows that there are, however long its period."""

from __future__ import annotations

import pytest

from spotter.stores import Query
from spotter.stores.contract import LEVELS, PROCESSES
from spotter.stores.reading import whole_windows

DAY = 86400
NOW = 1000 * DAY


def read(ladder, days):
    query = Query(name="x", start=NOW - days * DAY, end=NOW, step=DAY)
    marks = {level.window: NOW for level in ladder}
    return list(whole_windows(ladder[-1], ladder, query, marks, NOW))


@pytest.mark.parametrize(("ladder", "days"), [(LEVELS, 90), (PROCESSES, 1)])
def test_what_is_kept_as_long_is_read_from_its_beginning(ladder, days):
    (found,) = read(ladder, days)
    assert NOW - days * DAY - ladder[-1].window < found.start <= NOW - days * DAY
    assert found.end == NOW


def test_what_is_kept_for_a_day_has_no_windows_of_a_quarter():
    (found,) = read(PROCESSES, 90)
    assert found.start > NOW - PROCESSES[-1].keep - PROCESSES[-1].window
