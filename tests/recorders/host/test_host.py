"""Readings of the host are taken by one process, those of a process by itself."""

from __future__ import annotations

import collections
import os
import signal
import subprocess
import sys
import time
import types

import psutil
import pytest

from spotter import recording
from spotter.recorders.host import processes, readings
from spotter.recorders.host.cgroups import Cgroup
from spotter.recorders.host.election import Post
from spotter.recorders.host.ledger import Ledger
from spotter.recorders.host.servers import find_server
from tests.kept import recorded


@pytest.fixture
def host(kept, tmp_path):
    post = Post("host", tmp_path)
    yield readings.Host(post, Ledger("host", tmp_path))
    post.leave()


def test_the_host_is_read(host):
    for _ in range(2):
        host.read()
    for name in (
        "system.cpu.utilization", "system.cpu.load_average.1m", "system.memory.usage",
        "system.memory.limit", "system.paging.usage",
    ):  # fmt: skip
        assert recorded(name, "host.name"), name
    share = recorded("system.memory.utilization")[()].last
    assert 0 < share < 1
    disk = recorded("system.filesystem.utilization", "system.filesystem.mountpoint")[
        "/"
    ]
    assert disk.last == pytest.approx(psutil.disk_usage("/").percent / 100, abs=0.01)


def test_a_containers_limit_is_the_limit(host, monkeypatch):
    group = Cgroup(
        memory_usage=50_000_000, memory_limit=100_000_000, cpus=0.5, cpu_seconds=1.0
    )
    monkeypatch.setattr(readings, "read_cgroup", lambda: group)
    host.read()
    assert recorded("system.memory.utilization")[()].last == 0.5
    assert recorded("system.cpu.logical.count")[()].last == 0.5


def test_a_containers_cpu_is_told_as_a_share_of_its_limit(host, monkeypatch):
    seconds_used, now = [1.0, 1.5, 1.6], [100.0, 101.0, 102.0]
    monkeypatch.setattr(
        readings,
        "read_cgroup",
        lambda: Cgroup(cpus=0.5, cpu_seconds=seconds_used.pop(0)),
    )
    monkeypatch.setattr(
        readings, "time", types.SimpleNamespace(monotonic=lambda: now.pop(0))
    )
    host.read()
    assert recorded("system.cpu.utilization") == {}
    host.read()
    assert recorded("system.cpu.utilization")[()].last == pytest.approx(1.0)
    host.read()
    assert recorded("system.cpu.utilization")[()].last == pytest.approx(0.2)


Interface = collections.namedtuple("Interface", ["bytes_recv", "bytes_sent"])


def test_the_network_is_what_enters_and_leaves_the_host(host, monkeypatch):
    looks = [
        {"lo": (9000, 9000), "eth0": (1000, 100), "eth1": (50, 5), "veth1a2": (70, 70)},
        {"lo": (9900, 9900), "eth0": (1500, 130), "eth1": (60, 5), "veth1a2": (99, 99),
         "docker0": (5, 5), "br-0a1b": (5, 5), "wlan0": (10**9, 10**9)},
        # The counters of one began anew, as when a driver is loaded again.
        {"lo": (9900, 9900), "eth0": (40, 7), "eth1": (61, 5)},
    ]  # fmt: skip
    monkeypatch.setattr(
        psutil,
        "net_io_counters",
        lambda pernic: {name: Interface(*n) for name, n in looks.pop(0).items()},
    )
    told = []
    for _ in range(3):
        host.read()
        found = recorded("system.network.io", "network.io.direction")
        told.append({direction: point.sum for direction, point in found.items()})
    assert told == [
        {},
        {"receive": 510, "transmit": 30},
        {"receive": 510 + 41, "transmit": 30 + 7},
    ]


def test_a_container_without_a_network_has_none(host, monkeypatch):
    monkeypatch.setattr(psutil, "net_io_counters", lambda pernic: {})
    for _ in range(2):
        host.read()
    assert recorded("system.network.io") == {}


HOLD = """
import pathlib, sys
from spotter.recorders.host.election import Post
from spotter.recorders.host.ledger import Ledger
from spotter.recorders.host.servers import find_server
print(Post("host", pathlib.Path(sys.argv[1])).is_mine(), flush=True)
sys.stdin.readline()
"""


def test_one_process_holds_the_post_and_leaves_it_when_killed(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    assert holder.stdout.readline().strip() == "True"
    mine = Post("host", tmp_path)
    assert not mine.is_mine()
    holder.kill()
    holder.communicate()
    assert mine.is_mine()
    assert mine.is_mine()
    mine.leave()


FORK = """
import os, pathlib, sys, time
from spotter.recorders.host.election import Post
from spotter.recorders.host.ledger import Ledger
from spotter.recorders.host.servers import find_server
post = Post("host", pathlib.Path(sys.argv[1]))
assert post.is_mine()
child = os.fork()
if child == 0:
    os.close(1)
    time.sleep(30)
    os._exit(0)
print(child, flush=True)
"""


def test_a_child_of_a_dead_holder_does_not_keep_the_post(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    child = int(done.stdout.split()[0])
    mine = Post("host", tmp_path)
    try:
        assert mine.is_mine()
    finally:
        os.kill(child, signal.SIGKILL)
        mine.leave()


def test_who_does_not_hold_the_post_reads_nothing(kept, tmp_path):
    holder, other = Post("host", tmp_path), Post("host", tmp_path)
    assert holder.is_mine()
    readings.Host(other, Ledger("host", tmp_path)).read()
    assert recorded("system.memory.usage") == {}
    holder.leave()


def test_a_post_is_not_held_through_somebodys_link(tmp_path):
    post = Post("host", tmp_path)
    (tmp_path / "elsewhere").touch()
    os.symlink(tmp_path / "elsewhere", post.path)
    with pytest.raises(OSError, match="symbolic"):
        post.is_mine()


def test_a_process_reads_itself(kept, monkeypatch):
    monkeypatch.setattr(processes, "_process", None)
    for _ in range(2):
        processes.read()
    pid = str(os.getpid())
    assert recorded("process.memory.usage", "process.pid")[pid].last > 10e6
    assert recorded("process.open_file_descriptor.count", "process.pid")[pid].last > 2
    assert recorded("spotter.workers.started")[()].sum == 1


def test_a_processs_cpu_is_told_from_its_second_reading_on(kept, monkeypatch):
    monkeypatch.setattr(processes, "_process", None)
    processes.read()
    assert recorded("process.cpu.utilization") == {}
    used = time.process_time()
    while time.process_time() - used < 0.1:
        pass
    processes.read()
    share = recorded("process.cpu.utilization", "process.pid")[str(os.getpid())].last
    # Of one processor, and not in per cent.
    assert 0 < share <= 2 * (os.cpu_count() or 1)


def test_outside_a_web_server_there_is_no_number_of_workers(kept):
    assert find_server() is None
    processes.read()
    assert recorded("spotter.workers.count") == {}


def test_projects_of_one_user_and_host_have_a_post_each(kept, settings, tmp_path):
    names = {recording.store_key()}
    settings.SPOTTER = {"STORE": "postgresql://spotter:geheim@db/other"}
    names.add(recording.store_key())
    settings.SPOTTER = {}
    settings.BASE_DIR = tmp_path
    names.add(recording.store_key())
    mine, *others = [Post(f"host-{name}", tmp_path) for name in names]
    assert all(post.is_mine() for post in (mine, *others))
    assert len(others) == 2
    for post in (mine, *others):
        post.leave()


def test_the_posts_name_is_that_of_the_store(kept, monkeypatch):
    readings.install()
    assert readings._host is not None
    assert recording.store_key() in readings._host.post.path.name


def test_a_container_that_cannot_write_to_its_disk_has_its_post_in_memory(monkeypatch):
    def refuse() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", refuse)
    assert str(Post("host").path).startswith("/dev/shm/")
    assert str(Ledger("host").path).startswith("/dev/shm/")
