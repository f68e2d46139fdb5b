"""In a container its limits count, whichever version of control groups there is."""

from __future__ import annotations

import pytest

from spotter.recorders.host.cgroups import Cgroup, read_cgroup


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def second(tmp_path):
    """Version 2, in a group of its own."""
    group = "sys/fs/cgroup/app.slice/web"
    for path, text in {
        "proc/self/cgroup": "0::/app.slice/web\n",
        "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
        f"{group}/memory.current": "300000000\n",
        f"{group}/memory.max": "536870912\n",
        f"{group}/memory.stat": "anon 5\ninactive_file 100000000\n",
        f"{group}/cpu.max": "150000 100000\n",
        f"{group}/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
        f"{group}/memory.events": "low 0\noom 3\noom_kill 2\n",
    }.items():
        write(tmp_path, path, text)
    return tmp_path


@pytest.fixture
def first(tmp_path):
    """Version 1, in a container that sees its own group as the root."""
    for path, text in {
        "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "300000000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
        "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 100000000\n",
        "sys/fs/cgroup/memory/memory.oom_control": "under_oom 0\noom_kill 2\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/cpuacct/cpuacct.usage": "2500000000\n",
    }.items():
        write(tmp_path, path, text)
    return tmp_path


LIMITED = Cgroup(
    memory_usage=200000000,
    memory_limit=536870912,
    cpus=1.5,
    cpu_seconds=2.5,
    oom_kills=2,
)


@pytest.mark.parametrize("version", ["first", "second"])
def test_limits_and_use_are_read(request, version):
    assert read_cgroup(request.getfixturevalue(version)) == LIMITED


def test_no_limit_is_none_in_the_second_version(second):
    group = "sys/fs/cgroup/app.slice/web"
    write(second, f"{group}/memory.max", "max\n")
    write(second, f"{group}/cpu.max", "max 100000\n")
    found = read_cgroup(second)
    assert (found.memory_limit, found.cpus) == (None, None)


def test_no_limit_is_none_in_the_first_version(first):
    write(first, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    write(first, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    found = read_cgroup(first)
    assert (found.memory_limit, found.cpus) == (None, None)


def test_a_tighter_limit_of_a_group_above_counts_with_the_use_of_that_group(second):
    slice_ = "sys/fs/cgroup/app.slice"
    write(second, f"{slice_}/memory.max", "400000000\n")
    write(second, f"{slice_}/memory.current", "390000000\n")
    write(second, f"{slice_}/memory.stat", "inactive_file 10000000\n")
    write(second, f"{slice_}/memory.swap.current", "7\n")
    write(second, f"{slice_}/cpu.max", "100000 100000\n")
    write(second, f"{slice_}/cpu.stat", "usage_usec 9000000\n")
    write(second, f"{slice_}/memory.events", "oom_kill 40\n")
    assert read_cgroup(second) == Cgroup(
        memory_usage=380000000,
        memory_limit=400000000,
        swap_usage=7,
        cpus=1.0,
        cpu_seconds=9.0,
        # Those that are killed beside it are none of its.
        oom_kills=2,
    )


def test_a_looser_limit_of_a_group_above_does_not_count(second):
    write(second, "sys/fs/cgroup/app.slice/memory.max", "536870913\n")
    write(second, "sys/fs/cgroup/app.slice/cpu.max", "150001 100000\n")
    assert read_cgroup(second) == LIMITED


def test_the_first_version_tells_the_tightest_limit_itself(first):
    text = "hierarchical_memory_limit 400000000\ntotal_inactive_file 100000000\n"
    write(first, "sys/fs/cgroup/memory/memory.stat", text)
    write(first, "sys/fs/cgroup/memory/memory.memsw.usage_in_bytes", "300000005\n")
    found = read_cgroup(first)
    assert (found.memory_limit, found.swap_usage) == (400000000, 5)


def test_where_there_are_no_groups_nothing_is_known(tmp_path):
    assert read_cgroup(tmp_path) == Cgroup()


def test_this_machine_can_be_read():
    read_cgroup()


PLACES = {
    "first": "sys/fs/cgroup/cpuset/cpuset.effective_cpus",
    "second": "sys/fs/cgroup/app.slice/web/cpuset.cpus.effective",
}


@pytest.mark.parametrize("version", PLACES)
@pytest.mark.parametrize(
    ("chosen", "cpus"),
    [("0\n", 1.0), ("2-3,7\n", 1.5), ("0-7\n", 1.5), ("\n", 1.5), ("?\n", 1.5)],
)
def test_a_choice_of_cpus_is_a_limit_too(version, chosen, cpus, request, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    root = request.getfixturevalue(version)
    write(root, PLACES[version], chosen)
    assert read_cgroup(root).cpus == cpus


@pytest.mark.parametrize(
    ("chosen", "cpus"), [("0-6", 7.0), ("0-7", None), ("0-8", None), ("1,3,5", 3.0)]
)
def test_cpus_that_are_chosen_are_counted_where_there_are_more(
    second, monkeypatch, chosen, cpus
):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    write(second, "sys/fs/cgroup/app.slice/web/cpu.max", "max 100000\n")
    write(second, PLACES["second"], chosen)
    assert read_cgroup(second).cpus == cpus
