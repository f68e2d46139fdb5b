"""One watcher's probes: what it writes down of each, and when it believes itself."""

from __future__ import annotations

import dataclasses
import logging
import socket
import threading
import time
from collections.abc import Mapping, Sequence

from spotter import conf, recording
from spotter.alerts.expressions import BestOf, Reading, Reads
from spotter.privacy import scrub_text
from spotter.probes import Monitor, Probe

logger = logging.getLogger("spotter.watcher")

LOCAL = ("localhost", "127.0.0.1", "::1", "")
#: So many failures in a row are believed.
BELIEVED = 2
#: How long it is good for that this host reaches anything.
ONLINE_SECONDS = 3.0
UP, FAILURES = "spotter.probe.success", "spotter.probe.failures"


@dataclasses.dataclass(frozen=True, slots=True)
class Failing:
    """Since when a monitor fails here, how often in a row, and why."""

    since: float
    times: int
    reason: str


class Prober:
    """
    Probes from this host.

    Args:
        host: what this watcher is called beside others on other hosts.
    """

    def __init__(self, host: str = "") -> None:
        self.host = host or socket.gethostname()
        self._lock = threading.Lock()
        self._online = (float("-inf"), True)
        #: Only ever written by the one thread that probes this monitor.
        self.failing: dict[str, Failing] = {}

    def probe(self, monitor: Monitor) -> None:
        """
        Probe once and write down what was found.

        While this host reaches nothing, nothing is: that is not the other's fault.
        """
        if monitor.host not in LOCAL and not self._is_online():
            return
        at = time.time()
        found = monitor.probe()
        times = self._count(monitor.name, found, at)
        labels = {"probe": monitor.name, "watcher": self.host}
        recording.gauge(UP, 0 if found.problem else 1, labels)
        recording.gauge(FAILURES, times, labels)
        name = {"probe": monitor.name}
        recording.observe("spotter.probe.duration", found.seconds, name)
        if found.expires_at is not None:
            left = found.expires_at - time.time()
            recording.gauge("spotter.probe.tls.expiry", left, name)

    def _is_online(self) -> bool:
        """Asked once for all monitors whose turn it is."""
        if not conf.get_settings().connectivity:
            return True
        with self._lock:
            now = time.monotonic()
            if now - self._online[0] > ONLINE_SECONDS:
                self._online = (now, is_online())
            return self._online[1]

    def _count(self, name: str, found: Probe, at: float) -> int:
        """How often in a row it failed."""
        if not found.problem:
            if self.failing.pop(name, None):
                logger.info("probe %s: well again", name)
            return 0
        # An answer may be quoted, and hold what no log may.
        reason = scrub_text(found.problem)
        before = self.failing.get(name, Failing(at, 0, ""))
        self.failing[name] = Failing(before.since, before.times + 1, reason)
        logger.warning("probe %s: %s", name, reason)
        return before.times + 1


def is_online() -> bool:
    """Whether this host reaches anything: else it is not the others that are down."""
    address = conf.get_settings().connectivity
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), 3).close()
    except OSError:
        logger.warning(
            "%s can't be reached: probes of other hosts are not believed", address
        )
        return False
    return True


def lasting_seconds() -> float:
    """How long a probe is good for: a watcher that has died must not speak for ever."""
    return 3 * conf.get_settings().probe_seconds + 15


def opinion() -> BestOf:
    """What the watchers that probed lately agree on, for each monitor."""
    return BestOf(
        name=UP, by="probe", of="watcher", window=lasting_seconds(),
        failures=FAILURES, believed=BELIEVED,
    )  # fmt: skip


def agreed(source: Reads, now: float) -> Sequence[Reading]:
    """1 for a monitor unless every watcher that probed it lately found it down."""
    return opinion().read(source, now)


def is_down(reading: Reading) -> bool | None:
    """Whether the watchers agree that it is down; None when it is too early to say."""
    if reading.value is None or not reading.is_enough:
        return None
    return reading.value < 0.5


def why(failing: Mapping[str, Failing], monitor: str, now: float) -> Failing:
    """Since when and why it fails, as far as this watcher knows."""
    return failing.get(monitor) or Failing(now, 0, "found by other watchers")
