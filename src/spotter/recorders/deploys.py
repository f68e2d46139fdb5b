"""One mark for a change of release, however many processes start with it, and when."""

from __future__ import annotations

import dataclasses
import logging
import os
import pathlib
import socket
import time
from collections.abc import Mapping

import psutil
from django.conf import settings as django_settings

from spotter import conf, recording
from spotter.entries import Batch
from spotter.errors.release import find_release
from spotter.recording import deploys
from spotter.recording.deploys import Mark
from spotter.recording.flusher import is_wanted
from spotter.stores.contract import StoreError

logger = logging.getLogger("spotter.recorders")

#: 1 while a process that serves requests runs a release, 0 when it has ended.
ALIVE = "spotter.process.release"
BY = ("service.version", "host.name", "process.pid")
REQUESTS = "http.server.request.duration"
#: A process that has told nothing for so long is gone, even if it did not say so.
GONE_SECONDS = 60.0
#: A release that nothing ran for so long, and that starts again, is a change.
AWAY_SECONDS = 600.0
#: How long the latest release must be gone until what runs beside it is the latest.
PATIENCE_SECONDS = 15.0


@dataclasses.dataclass(frozen=True, slots=True)
class Life:
    """Whether anything runs a release, and when it was seen last."""

    is_alive: bool
    seen_at: float


class Herald:
    """
    The release of one process that serves requests, and whether it is to be marked.

    A release that was never marked is marked at once. Of one that was, nobody can tell
    at its start whether it is a rollback, or a worker of the old release that was
    restarted while the new one comes: it is a rollback if nothing ran it for a while,
    or as soon as nothing runs the new one any more.
    """

    def __init__(self, release: str, host: str, pid: int, started_at: float) -> None:
        self.release = release
        self.labels = dict(zip(BY, (release, host, str(pid)), strict=True))
        self.host = host
        self.started_at = started_at
        self._is_first_look = True
        self._gone_since: float | None = None

    def look(self, now: float) -> None:
        """
        Mark the release if that is due.

        Raises:
            StoreError: nobody can tell; look again later.
        """
        latest = deploys.latest()
        at = self._begun_at(latest, now)
        if at is not None:
            self._mark(latest, at)
        self._is_first_look = False

    def _begun_at(self, latest: Mark | None, now: float) -> float | None:
        """When this release became the latest; None when it did not, or not yet."""
        if latest is not None and latest.release == self.release:
            self._gone_since = None
            return None
        if latest is None or deploys.latest(self.release) is None:
            return self.started_at
        lives = read_lives(now)
        if self._is_first_look and self.release not in lives:
            return self.started_at
        seen_at = self._seen_last(lives.get(latest.release), now)
        return None if seen_at is None else max(self.started_at, seen_at)

    def _seen_last(self, life: Life | None, now: float) -> float | None:
        """When the latest release was seen last, once it has been gone for a while."""
        # Not seen at all: it was announced and has not started yet.
        if life is None or life.is_alive:
            self._gone_since = None
            return None
        if self._gone_since is None:
            # A store that was away has yet to hear of who lives.
            self._gone_since = now
        return life.seen_at if now - self._gone_since >= PATIENCE_SECONDS else None

    def _mark(self, latest: Mark | None, at: float) -> None:
        # Hosts' clocks differ; the order of the marks is that in which they were made.
        at = at if latest is None else max(at, latest.at + 0.001)
        mark = Mark(
            at=at,
            release=self.release,
            previous=latest.release if latest else "",
            host=self.host,
        )
        deploys.write(mark, after=latest)

    def tell(self, value: int) -> None:
        """Say that the process runs its release, or does so no more."""
        recording.gauge(ALIVE, value, self.labels)


def read_lives(now: float) -> Mapping[str, Life]:
    """Which releases ran of late."""
    lives: dict[str, Life] = {}
    since = now - AWAY_SECONDS
    for group, point in recording.latest_readings(ALIVE, BY, since, now).items():
        known = lives.get(group[0], Life(False, 0.0))
        is_alive = point.last > 0 and point.last_at > now - GONE_SECONDS
        lives[group[0]] = Life(
            known.is_alive or is_alive, max(known.seen_at, point.last_at)
        )
    return lives


_herald: Herald | None = None
_pid = 0


def notice(batch: Batch) -> None:
    """
    Look as soon as this process has served a request.

    A command, such as a migration that goes before the new release, is no deploy.
    """
    global _herald, _pid
    if _pid == os.getpid() or all(each.name != REQUESTS for each, _ in batch.points):
        return
    _pid, _herald = os.getpid(), None
    release = current_release()
    if release and is_wanted():
        started = psutil.Process().create_time()
        _herald = Herald(release, socket.gethostname(), os.getpid(), started)
        look()


def look() -> None:
    """Look again, and say that this process lives."""
    if _herald is None or _pid != os.getpid():
        return
    try:
        _herald.look(time.time())
    except StoreError as error:
        logger.debug("nobody can tell which release is the latest: %s", error)
        return
    # Only now: who decides whether a release is back must not find itself.
    _herald.tell(1)


def leave() -> None:
    """Say that this process ends; the last flush takes it along."""
    if _herald is not None and _pid == os.getpid():
        _herald.tell(0)


def current_release() -> str | None:
    """Which release of the project this process runs, as far as it can be found."""
    folder = pathlib.Path(getattr(django_settings, "BASE_DIR", None) or os.getcwd())
    return find_release(os.environ, folder, conf.get_settings().release_distribution)


def install() -> None:
    """Look off the request, like any reading."""
    recording.sampler(look)
    recording.listen(notice)
    recording.at_exit(leave)
