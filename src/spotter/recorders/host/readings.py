"""The host's readings: CPU, memory, swap, disks, network; one process takes them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from typing import Any

import psutil

from spotter import recording
from spotter.recorders.host.cgroups import Cgroup, read_cgroup
from spotter.recorders.host.disks import read_disks
from spotter.recorders.host.election import Post
from spotter.recorders.host.kills import read_kills
from spotter.recorders.host.ledger import Ledger

#: Interfaces between what runs on the host: what leaves it goes through another one, too.
OF_THE_HOST_ITSELF = ("veth", "docker", "br-", "virbr", "cni", "cali", "flannel")


class Host:
    """What was read last, for what is told as a difference."""

    def __init__(self, post: Post, ledger: Ledger) -> None:
        self.post = post
        self.ledger = ledger
        self._cpu: tuple[float, float] | None = None
        #: Bytes received and sent, by interface.
        self._network: dict[str, tuple[int, int]] | None = None

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
        read_kills(labels, group, self.ledger)

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
        counters: Mapping[str, Any] = psutil.net_io_counters(pernic=True)
        now = {
            name: (of_one.bytes_recv, of_one.bytes_sent)
            for name, of_one in counters.items()
            if not name.startswith(OF_THE_HOST_ITSELF) and name != "lo"
        }
        before, self._network = self._network, now
        if before is None or not now:
            return
        for number, direction in enumerate(("receive", "transmit")):
            grown = sum(
                growth(of_one[number], before[name][number])
                for name, of_one in now.items()
                if name in before
            )
            labelled = {**labels, "network.io.direction": direction}
            recording.count("system.network.io", labelled, grown)


def growth(new: int, old: int) -> int:
    """What a counter grew by; one that fell began anew."""
    return new - old if new >= old else new


def read_memory(labels: dict[str, str], group: Cgroup) -> None:
    """Memory and swap of the container where it has a limit, else of the host."""
    host = psutil.virtual_memory()
    usage, limit = host.total - host.available, host.total
    swap = psutil.swap_memory().used
    if (
        group.memory_limit
        and group.memory_usage is not None
        and group.memory_limit < limit
    ):
        usage, limit = group.memory_usage, group.memory_limit
        swap = swap if group.swap_usage is None else group.swap_usage
    recording.gauge("system.memory.usage", usage, labels)
    recording.gauge("system.memory.limit", limit, labels)
    recording.gauge("system.memory.utilization", usage / limit, labels)
    recording.gauge("system.paging.usage", swap, labels)


_host: Host | None = None


def install() -> None:
    """Take readings as long as any process of the host measures something."""
    global _host
    # Of each store: two projects of one user would else take turns in one's readings.
    name = f"host-{recording.store_key()}"
    _host = Host(Post(name), Ledger(name))
    recording.sampler(_host.read)
