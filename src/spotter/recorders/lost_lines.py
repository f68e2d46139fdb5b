"""Log lines that this process could not write, or not where they are read."""

from __future__ import annotations

import os

from spotter import recording
from spotter.logs.files import look_again, lost_lines

_told: dict[str, int] = {}


def read() -> None:
    """Count what was lost since the last look; 0 too, so that the first is seen."""
    look_again()
    for path, lost in lost_lines().items():
        before = _told.get(path, 0)
        _told[path] = lost
        label = {"file": os.path.basename(path)}
        recording.count("spotter.logs.lost", label, max(0, lost - before))


def install() -> None:
    """Take readings as long as the process measures anything."""
    recording.sampler(read)
