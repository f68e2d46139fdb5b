"""Each disk that can fill up is told once."""

from __future__ import annotations

import os
from collections import namedtuple

import psutil
import pytest

from spotter.recorders.host.disks import MAX_DISKS, disks, read_disks
from tests.kept import recorded

Mount = namedtuple("Mount", "mountpoint device fstype opts")
Usage = namedtuple("Usage", "total used free percent")


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A host with these mounts; each device has a size of its own."""

    def build(*mounts, files=()):
        made = []
        for place, device, fstype, opts in mounts:
            if place in files:
                (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / place).touch()
            else:
                (tmp_path / place).mkdir(parents=True, exist_ok=True)
            made.append(Mount(str(tmp_path / place), device, fstype, opts))
        sizes = {m.mountpoint: 1000 + sum(m.device.encode()) for m in made}
        numbers = {m.mountpoint: hash(m.device) for m in made}
        monkeypatch.setattr(psutil, "disk_partitions", lambda all: made)
        monkeypatch.setattr(
            psutil, "disk_usage", lambda place: Usage(sizes[place], 400, 600, 40.0)
        )
        monkeypatch.setattr(
            "spotter.recorders.host.disks.number_of", numbers.__getitem__
        )
        return [os.path.relpath(place, tmp_path) for place, _ in disks()]

    return build


def test_disks_are_told_where_they_are_mounted(machine):
    assert machine(
        ("a", "/dev/sda1", "ext4", "rw,relatime"), ("b", "/dev/sdb1", "xfs", "rw")
    ) == ["a", "b"]


@pytest.mark.parametrize(
    ("device", "fstype", "opts"),
    [
        ("/dev/sda1", "ext4", "ro,relatime"),
        ("nas:/share", "nfs4", "rw"),
        ("//nas/share", "cifs", "rw"),
        ("/dev/fuse", "fuse.sshfs", "rw"),
        ("10.0.0.1:/", "ceph", "rw"),
        ("/dev/loop3", "squashfs", "rw"),
        ("/dev/sr0", "iso9660", "rw"),
        ("tmpfs", "tmpfs", "rw"),
        ("proc", "proc", "rw"),
    ],
)
def test_what_cannot_fill_or_may_hang_is_not_told(machine, device, fstype, opts):
    assert machine(("a", device, fstype, opts)) == []


def test_a_file_that_is_mounted_into_a_container_is_no_disk(machine):
    mounts = (("etc/hosts", "/dev/sda1", "ext4", "rw"),)
    assert machine(*mounts, files=["etc/hosts"]) == []


def test_a_device_that_is_mounted_twice_is_told_once(machine):
    assert machine(
        ("a", "/dev/sda1", "ext4", "rw"), ("b", "/dev/sda1", "ext4", "rw,bind")
    ) == ["a"]


def test_datasets_of_one_zfs_pool_are_one_disk(machine):
    assert machine(
        ("a", "tank/home", "zfs", "rw"), ("b", "tank/var", "zfs", "rw")
    ) == ["a"]  # fmt: skip


def test_the_disk_below_a_containers_root_is_told_as_its_root(monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    mounts = [
        Mount(str(tmp_path / "data"), "/dev/sda1", "ext4", "rw"),
        Mount("/", "overlay", "overlay", "rw"),
    ]
    same = Usage(10**9, 4 * 10**8, 6 * 10**8, 40.0)
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    monkeypatch.setattr(psutil, "disk_usage", lambda place: same)
    assert [place for place, _ in disks()] == ["/"]


@pytest.mark.parametrize("number", [MAX_DISKS - 1, MAX_DISKS, MAX_DISKS + 1])
def test_no_more_disks_are_told_than_have_room(machine, number):
    mounts = [(f"d{n:02}", f"/dev/vd{n:02}", "ext4", "rw") for n in range(number)]
    assert len(machine(*mounts)) == min(number, MAX_DISKS)


def test_use_is_told_with_size_and_share(machine, kept):
    machine(("a", "/dev/sda1", "ext4", "rw"))
    read_disks({"host.name": "web-1"})
    assert recorded("system.filesystem.utilization")[()].last == 0.4
    assert recorded("system.filesystem.usage")[()].last == 400
