"""The log files at the promised sizes, with as many processes as a busy server has."""

from __future__ import annotations

import pytest

from tests.logs.writers import found, write_at_once

pytestmark = pytest.mark.acceptance
MB = 1024 * 1024


@pytest.mark.parametrize("processes", [2, 8])
def test_nothing_is_lost_at_ten_megabytes_times_five(tmp_path, processes):
    write_at_once(tmp_path / "a.log", processes, 275_000, 10 * MB, 5)
    assert found(tmp_path / "a.log") == (275_000 // processes * processes, 0)


def test_nothing_is_lost_at_a_hundred_kilobytes_times_a_hundred_thousand(tmp_path):
    write_at_once(tmp_path / "a.log", 8, 100_000, 100_000, 100_000)
    assert found(tmp_path / "a.log") == (100_000, 0)
