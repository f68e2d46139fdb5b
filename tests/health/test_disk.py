"""How much free space is enough."""

from __future__ import annotations

import pytest

from spotter.health import Degraded, Unhealthy
from spotter.health.disk import DiskCheck


@pytest.mark.parametrize(
    ("free", "expected"),
    [(4.9, Unhealthy), (5.0, Degraded), (19.9, Degraded)],
)
def test_little_space_is_told(free, expected):
    with pytest.raises(expected):
        DiskCheck().judge(free)


@pytest.mark.parametrize("free", [20.0, 20.1])
def test_enough_space_is_healthy(free):
    assert DiskCheck().judge(free).message == "Enough space"


def test_a_real_file_system_is_measured(tmp_path):
    check = DiskCheck(tmp_path, degraded_below=0, unhealthy_below=0)
    assert check.run().detail.endswith("% free")
