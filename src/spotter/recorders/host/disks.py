"""How full each disk is: each told once, and only what can fill up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psutil

from spotter import recording

#: Filesystems whose reading can hang with their server.
OF_THE_NETWORK = (
    *("nfs", "cifs", "smb", "9p", "afs", "ceph", "gluster", "lustre", "gfs", "ocfs2"),
    *("beegfs", "davfs", "fuse.", "virtiofs", "vboxsf", "autofs"),
)
#: Images, and what is kept in memory.
NO_DISK = (
    *("squashfs", "erofs", "iso9660", "udf", "cramfs", "romfs"),
    *("overlay", "aufs", "tmpfs", "ramfs", "devtmpfs"),
)
#: Disks that are read.
MAX_DISKS = 20


def read_disks(labels: dict[str, str]) -> None:
    """Use, size and share in use of each."""
    for mountpoint, disk in disks():
        tell(mountpoint, disk, labels)


def tell(mountpoint: str, disk: Any, labels: dict[str, str]) -> None:
    """Use, size and share in use of one."""
    labelled = {**labels, "system.filesystem.mountpoint": mountpoint}
    recording.gauge("system.filesystem.usage", disk.used, labelled)
    recording.gauge("system.filesystem.limit", disk.total, labelled)
    # As df has it: what is kept for root is not there to be used.
    recording.gauge("system.filesystem.utilization", disk.percent / 100, labelled)


def disks() -> Iterator[tuple[str, Any]]:
    """Where each is mounted first, and what psutil says of it."""
    seen: set[object] = set()
    told = 0
    mounts = psutil.disk_partitions(all=True)
    # A container's own root is told even though it is no disk, and as the first.
    for mount in sorted(mounts, key=lambda each: each.mountpoint != "/"):
        if told >= MAX_DISKS or not can_fill(mount):
            continue
        try:
            number = number_of(mount.mountpoint)
            disk = psutil.disk_usage(mount.mountpoint)
        except OSError:
            continue  # no right to look at it
        # One device under several mounts; btrfs gives each of them another number.
        marks: set[object] = {number, device_of(mount)}
        figures = (disk.total, disk.used, disk.free)
        if disk.total and not (marks | {figures}) & seen:
            told += 1
            yield mount.mountpoint, disk
        # The disk below a container's root is known by its figures alone.
        seen |= marks | ({figures} if mount.fstype in NO_DISK else set())


def can_fill(mount: Any) -> bool:
    """Whether it is a disk of this host that somebody can write to."""
    if "ro" in mount.opts.split(","):
        return False
    if mount.fstype.startswith(OF_THE_NETWORK):
        return False
    if mount.mountpoint == "/":
        return True
    is_disk = mount.device.startswith("/") or mount.fstype == "zfs"
    # A file that is mounted into a container is no disk.
    return (
        is_disk
        and not mount.fstype.startswith(NO_DISK)
        and os.path.isdir(mount.mountpoint)
    )


def number_of(mountpoint: str) -> int:
    """The number of what is mounted there."""
    return os.stat(mountpoint).st_dev


def device_of(mount: Any) -> str:
    """The device; of ZFS the pool, whose room all its datasets share."""
    name: str = mount.device
    return name.partition("/")[0] if mount.fstype == "zfs" else name
