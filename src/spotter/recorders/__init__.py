"""What is captured of the host application, each recorder in its own module."""

from __future__ import annotations

from spotter.recorders import cache, failures, work
from spotter.recorders.queries import capture
from spotter.rescue import rescue


def install() -> None:
    """Hook every recorder in, once."""
    for recorder in (capture, cache, failures, work):
        with rescue("install a recorder"):
            recorder.install()
