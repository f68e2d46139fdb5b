"""What the kernel killed for memory is counted once, even if it was who counts."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import sys
import uuid

import pytest

from spotter.recorders.host.cgroups import read_cgroup
from spotter.recorders.host.kills import read_kills
from spotter.recorders.host.ledger import Ledger
from tests.kept import recorded
from tests.recorders.host.test_cgroups import write
from tests.servers.web import CHECKOUT, child_environment

GROUPS = {
    "v2": {
        "proc/self/cgroup": "0::/web\n",
        "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
        "sys/fs/cgroup/web/memory.events": "low 0\noom 9\noom_kill {}\n",
    },
    "v1": {
        "proc/self/cgroup": "4:memory:/web\n",
        "sys/fs/cgroup/memory/web/memory.oom_control": "under_oom 0\noom_kill {}\n",
    },
    "host": {"proc/vmstat": "pgfault 12\noom_kill {}\n"},
}


class Kernel:
    """The kernel's files in a folder, and processes that look at them."""

    def __init__(self, root, files):
        self.root, self.files = root, files
        self.start("first")
        self.kills(0)

    def start(self, boot):
        write(self.root, "proc/sys/kernel/random/boot_id", f"{boot}\n")

    def kills(self, number):
        for path, text in self.files.items():
            write(self.root, path, text.format(number))

    def look(self):
        """As a process does that has looked never before."""
        ledger = Ledger("host", self.root)
        read_kills({"host.name": "web-1"}, read_cgroup(self.root), ledger, self.root)

    @property
    def counted(self):
        found = recorded("spotter.workers.oom_kills", "host.name")
        return found["web-1"].sum


@pytest.fixture(params=sorted(GROUPS))
def kernel(request, kept, tmp_path):
    return Kernel(tmp_path, GROUPS[request.param])


def test_what_was_killed_before_anybody_looked_is_past(kernel):
    kernel.kills(7)
    kernel.look()
    kernel.look()
    assert kernel.counted == 0


def test_each_kill_is_counted_by_the_next_who_looks(kernel):
    kernel.look()
    kernel.kills(1)
    kernel.look()
    kernel.look()
    kernel.kills(3)
    kernel.look()
    assert kernel.counted == 3


def test_after_a_restart_of_the_host_the_kernel_counts_anew(kernel):
    kernel.kills(5)
    kernel.look()
    kernel.start("second")
    kernel.kills(6)
    kernel.look()
    assert kernel.counted == 0
    kernel.kills(7)
    kernel.look()
    assert kernel.counted == 1


def test_where_the_kernel_tells_nothing_nothing_is_counted(kept, tmp_path):
    Kernel(tmp_path, {}).look()
    assert recorded("spotter.workers.oom_kills") == {}


def test_a_container_that_was_made_anew_counts_from_its_own_beginning(kept, tmp_path):
    kernel = Kernel(tmp_path, GROUPS["v2"])
    kernel.kills(4)
    kernel.look()
    # Renamed, not deleted: the new folder must not get the old one's number.
    group = tmp_path / "sys/fs/cgroup/web"
    group.rename(group.with_name("gone"))
    kernel.kills(6)
    kernel.look()
    assert kernel.counted == 0


LITTLE = 200_000_000


@pytest.fixture
def little_memory():
    """A real group of the kernel's, with a limit that is soon reached."""
    mount = pathlib.Path("/sys/fs/cgroup")
    is_first = (mount / "memory").is_dir()
    group = (mount / "memory" if is_first else mount) / f"spotter-{uuid.uuid4().hex}"
    limit = "memory.limit_in_bytes" if is_first else "memory.max"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no group of the kernel's can be made here: {error}")
    try:
        if not (group / limit).exists():
            pytest.skip(f"{mount} limits no memory")
        (group / limit).write_text(str(LITTLE))
        with contextlib.suppress(OSError):  # Not every kernel limits swap.
            (group / "memory.swap.max").write_text("0")
        yield group
    finally:
        group.rmdir()


def test_what_the_kernel_really_kills_is_counted(
    kept, settings, tmp_path, little_memory
):
    command = [sys.executable, "-m", "tests.recorders.host.hungry"]
    command += [str(little_memory), settings.SPOTTER["STORE"], str(tmp_path)]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=child_environment({}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert recorded("spotter.workers.oom_kills", "host.name")["web-1"].sum == 2
