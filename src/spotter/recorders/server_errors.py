"""The series of failed requests, at 0 before the first one fails."""

from __future__ import annotations

import time

from spotter import recording
from spotter.recording import Measures

LABELS = {"http.response.status_class": "5xx"}


class Nothing:
    """No request, in the series of those that failed."""

    def measure(self, into: Measures) -> None:
        """Make the point be there."""
        into.point("spotter.http.server.duration", LABELS, time.time())


def tell() -> None:
    """
    Keep the series alive.

    A counter that begins with its first burst shows Prometheus no growth: the first
    errors of all would be seen by nobody who scrapes.
    """
    recording.put(Nothing())


def install() -> None:
    """Tell it as long as the process measures anything."""
    recording.sampler(tell, every_seconds=60)
