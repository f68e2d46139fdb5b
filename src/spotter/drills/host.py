"""Faults of a host: a full disk, memory, processor or log file."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import subprocess
import tempfile
import time

import psutil

from spotter.alerts.rules import Rule
from spotter.drills.drill import Undrillable
from spotter.drills.programs import program
from spotter.drills.real import Fault, Real
from spotter.drills.simulated import WHERE, beyond
from spotter.logs.files import RotatingFile
from spotter.recorders import lost_lines
from spotter.recorders.host.cgroups import Cgroup
from spotter.recorders.host.disks import tell
from spotter.recorders.host.election import Post
from spotter.recorders.host.ledger import Ledger
from spotter.recorders.host.readings import Host, read_memory

#: Bytes of the disk that is filled.
DISK_BYTES = 1024 * 1024
#: What the kernel calls it, with the number of the process that made it.
DEVICE = "spotter-drill-"


class FullDisk(Fault):
    """A small disk in memory, really filled; the host's own readings pass it over."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        unmount_left_over()
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="spotter-drill-"))
        options = f"size={DISK_BYTES},mode=0700"
        done = subprocess.run(  # noqa: S603 (our own words)
            [program("mount"), "-t", "tmpfs", "-o", options, f"{DEVICE}{os.getpid()}", str(self.place)],
            check=False, capture_output=True, timeout=30,
        )  # fmt: skip
        if done.returncode:
            self.place.rmdir()
            raise Undrillable("this user may mount nothing")
        self.how = f"a disk of {DISK_BYTES // 1024} KiB that is really filled"

    def inject(self, world: Real, bad: bool) -> None:
        filler = self.place / "filler"
        share = beyond(self.rule, bad=bad)
        filler.write_bytes(b"\0" * int(share * DISK_BYTES))
        labels = {"host.name": WHERE}
        disk = psutil.disk_usage(str(self.place))
        world.measure(lambda: tell(str(self.place), disk, labels))

    def close(self) -> None:
        unmount(self.place)


def unmount(place: pathlib.Path) -> None:
    """Take a disk away again."""
    subprocess.run(  # noqa: S603 (our own words)
        [program("umount"), "-l", str(place)],
        check=False, capture_output=True, timeout=30,
    )  # fmt: skip
    with contextlib.suppress(OSError):
        place.rmdir()


def unmount_left_over() -> None:
    """Take away what a drill left behind that was killed."""
    for mount in psutil.disk_partitions(all=True):
        pid = mount.device.removeprefix(DEVICE)
        if mount.device != pid and pid.isdigit() and not psutil.pid_exists(int(pid)):
            unmount(pathlib.Path(mount.mountpoint))


class FullMemory(Fault):
    """The recorder's own code, told of a control group that is nearly full."""

    form = "injected"

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.limit = psutil.virtual_memory().total // 2
        self.how = "the recorder's reading of a control group that is nearly full"

    def inject(self, world: Real, bad: bool) -> None:
        usage = int(beyond(self.rule, bad=bad) * self.limit)
        group = Cgroup(memory_usage=usage, memory_limit=self.limit)
        world.measure(lambda: read_memory({"host.name": WHERE}, group))


class BusyCpu(Fault):
    """The recorder's own code, told of a control group that uses nearly all it may."""

    form = "injected"

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.host = Host(Post("drill"), Ledger("drill"))
        self.used, self.at = 0.0, time.monotonic()
        self.how = "the recorder's reading of a control group at its limit"

    def inject(self, world: Real, bad: bool) -> None:
        now = time.monotonic()
        self.used += beyond(self.rule, bad=bad) * (now - self.at)
        self.at = now
        group = Cgroup(cpus=1.0, cpu_seconds=self.used)
        world.measure(lambda: self.host.read_cpu({"host.name": WHERE}, group))


class FullLog(Fault):
    """A log file on a device that is full."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        if not os.path.exists("/dev/full"):
            raise Undrillable("this system has no /dev/full")
        self.handler = RotatingFile("/dev/full")
        self.how = "a log handler that writes to a device which is full"

    def inject(self, world: Real, bad: bool) -> None:
        if bad:
            record = logging.makeLogRecord({"msg": "[DRILL]", "levelno": logging.INFO})
            self.handler.emit(record)
        world.measure(lost_lines.read)

    def close(self) -> None:
        self.handler.close()
