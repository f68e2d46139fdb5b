"""Processes write through all of the recording, some are killed, and totals are exact."""

from __future__ import annotations

import pytest

from benchmarks.soak import soak

pytestmark = pytest.mark.long


def assert_exact(url, folder):
    found = soak(url, folder, processes=4, seconds=7)
    assert found.mistakes == []
    assert found.killed >= 1
    assert found.whole >= 2
    assert found.generated_whole > 0
    assert 0 < found.written <= found.generated


def test_a_file_has_every_batch_once_whoever_is_killed(tmp_path):
    assert_exact(f"sqlite:///{tmp_path}/spotter.db", tmp_path)


def test_a_database_has_every_batch_once_whoever_is_killed(tmp_path, postgres):
    assert_exact(postgres.create_database("soak"), tmp_path)
