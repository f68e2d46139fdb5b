"""A mark when the release changes: once, however many workers start with it."""

from __future__ import annotations

import os
import pathlib
import socket
import time

from django.conf import settings as django_settings

from spotter import conf, recording
from spotter.entries import Sample
from spotter.errors.release import find_release
from spotter.recording import Measures


class Deploy:
    """The release of this process, to be told if the store knows another."""

    def __init__(self, release: str) -> None:
        self.release = release

    def measure(self, into: Measures) -> None:
        """Write a mark; of several at once the readers take the first."""
        previous = recording.latest_key("deploy")
        if previous == self.release:
            return
        body = {
            "release": self.release,
            "previous": previous,
            "host": socket.gethostname(),
        }
        now = time.time()
        into.sample(
            Sample(kind="deploy", key=self.release, at=now, weight=1, body=body)
        )


_told_by = 0


def tell() -> None:
    """Tell the release once in each process."""
    global _told_by
    if _told_by == os.getpid():
        return
    _told_by = os.getpid()
    folder = pathlib.Path(getattr(django_settings, "BASE_DIR", None) or os.getcwd())
    release = find_release(os.environ, folder, conf.get_settings().release_distribution)
    if release:
        recording.put(Deploy(release))


def install() -> None:
    """Tell it off the request, like any reading."""
    recording.sampler(tell, every_seconds=60)
