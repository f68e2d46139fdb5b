"""The host's readings: CPU, memory, swap, disks, network; one process takes them."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

import psutil

from spotter import recording
from spotter.recorders.host.cgroups import Cgroup, read_cgroup
from spotter.recorders.host.election import Post

#: Filesystems whose reading can hang with their server, or that are no disk.
PASSED_OVER = (
    "nfs",
    "cifs",
    "smb",
    "fuse.",
    "9p",
    "squashfs",
    "overlay",
    "tmpfs",
    "autofs",
)
#: Mounts that are read.
MAX_MOUNTS = 20


class Host:
    """What was read last, for what is told as a difference."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self._cpu: tuple[float, float] | None = None
        self._network: tuple[int, int] | None = None
        self._oom_kills: int | None = None

    def read(self) -> None:
        """Take all readings, if this is the process that does."""
        if not self.post.is_mine():
            return
        labels = {"host.name": socket.gethostname()}
        group = read_cgroup()
        self.read_cpu(labels, group)
        read_memory(labels, group)
        read_disks(labels)
        self._read_network(labels)
        self._read_kills(labels, group)

    def read_cpu(self, labels: dict[str, str], group: Cgroup) -> None:
        """The share of its processors that is in use, since the last call."""
        cpus = group.cpus or float(psutil.cpu_count() or 1)
        recording.gauge("system.cpu.logical.count", cpus, labels)
        recording.gauge("system.cpu.load_average.1m", os.getloadavg()[0], labels)
        if group.cpus is None or group.cpu_seconds is None:
            # Since the last call; the first has nothing to compare with.
            share = psutil.cpu_percent() / 100
            if self._cpu is not None:
                recording.gauge("system.cpu.utilization", share, labels)
            self._cpu = (0.0, 0.0)
            return
        now, before = (time.monotonic(), group.cpu_seconds), self._cpu
        self._cpu = now
        if before is not None and now[0] > before[0]:
            used = (now[1] - before[1]) / (now[0] - before[0]) / cpus
            recording.gauge("system.cpu.utilization", max(0.0, used), labels)

    def _read_network(self, labels: dict[str, str]) -> None:
        counters: Any = psutil.net_io_counters()
        if counters is None:  # there is no network at all
            return
        now, before = (counters.bytes_recv, counters.bytes_sent), self._network
        self._network = now
        if before is None:
            return
        for direction, new, old in zip(
            ("receive", "transmit"), now, before, strict=True
        ):
            labelled = {**labels, "network.io.direction": direction}
            # A counter that fell began anew.
            recording.count(
                "system.network.io", labelled, new - old if new >= old else new
            )

    def _read_kills(self, labels: dict[str, str], group: Cgroup) -> None:
        """Count what the kernel killed since the last look; what was before is past."""
        now = group.oom_kills
        if now is None:
            now = killed_on_host()
        if now is None:
            return
        before, self._oom_kills = self._oom_kills, now
        recording.count(
            "spotter.workers.oom_kills",
            labels,
            max(0, now - before) if before is not None else 0,
        )


def killed_on_host() -> int | None:
    """How many processes the kernel of this host has killed for memory."""
    try:
        with open("/proc/vmstat") as file:
            for line in file:
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
    except OSError:
        pass
    return None


def read_memory(labels: dict[str, str], group: Cgroup) -> None:
    """Memory of the container where it has a limit, else of the host; and swap."""
    host = psutil.virtual_memory()
    usage, limit = host.total - host.available, host.total
    if (
        group.memory_limit
        and group.memory_usage is not None
        and group.memory_limit < limit
    ):
        usage, limit = group.memory_usage, group.memory_limit
    recording.gauge("system.memory.usage", usage, labels)
    recording.gauge("system.memory.limit", limit, labels)
    recording.gauge("system.memory.utilization", usage / limit, labels)
    recording.gauge("system.paging.usage", psutil.swap_memory().used, labels)


def read_disks(labels: dict[str, str]) -> None:
    """How full each disk is."""
    seen: set[str] = set()
    for mount in psutil.disk_partitions(all=True):
        is_root_of_container = mount.mountpoint == "/"
        if mount.fstype.startswith(PASSED_OVER) and not is_root_of_container:
            continue
        if not is_root_of_container and not mount.device.startswith("/"):
            continue
        # A file that is mounted into a container is no disk.
        if not os.path.isdir(mount.mountpoint):
            continue
        if mount.device in seen or len(seen) >= MAX_MOUNTS:
            continue
        if read_disk(mount.mountpoint, labels):
            seen.add(mount.device)


def read_disk(mountpoint: str, labels: dict[str, str]) -> bool:
    """How full one disk is; False when nobody can tell."""
    try:
        disk = psutil.disk_usage(mountpoint)
    except OSError:
        return False  # no right to look at it
    if not disk.total:
        return False
    labelled = {**labels, "system.filesystem.mountpoint": mountpoint}
    recording.gauge("system.filesystem.usage", disk.used, labelled)
    recording.gauge("system.filesystem.limit", disk.total, labelled)
    # As df has it: what is kept for root is not there to be used.
    recording.gauge("system.filesystem.utilization", disk.percent / 100, labelled)
    return True


_host = Host(Post("host"))


def install() -> None:
    """Take readings as long as any process of the host measures something."""
    recording.sampler(_host.read)
