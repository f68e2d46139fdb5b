"""A container's limits and use, from the kernel's control groups, version 1 and 2."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence

ROOT = pathlib.Path("/")
#: What version 1 writes for "no limit": close to 2^63.
NO_LIMIT = 1 << 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cgroup:
    """
    What the group of this process may use and uses; None where it has no limit.

    Args:
        memory_usage, memory_limit: bytes; usage without the page cache that would be
            given back.
        swap_usage: bytes of it that are in swap.
        cpus: how many it may use.
        cpu_seconds: what it has used since it began.
        oom_kills: processes of it that the kernel killed for memory.
        counted_in: which group, and which of that name, the kernel counts them in.
    """

    memory_usage: int | None = None
    memory_limit: int | None = None
    swap_usage: int | None = None
    cpus: float | None = None
    cpu_seconds: float | None = None
    oom_kills: int | None = None
    counted_in: str = dataclasses.field(default="", compare=False)


def read_cgroup(root: pathlib.Path = ROOT) -> Cgroup:
    """Read the group of this process; an empty one outside any limit."""
    places = groups_of(root)
    mount = root / "sys/fs/cgroup"
    if (mount / "cgroup.controllers").exists():
        return version_2(existing(mount, places.get("", "/")), mount)
    return version_1(
        existing(mount / "memory", places.get("memory", "/")),
        existing(mount / "cpu", places.get("cpu", "/")),
        existing(mount / "cpuacct", places.get("cpuacct", "/")),
        existing(mount / "cpuset", places.get("cpuset", "/")),
    )


def groups_of(root: pathlib.Path) -> dict[str, str]:
    """The path of this process's group, by controller; "" is version 2's."""
    found: dict[str, str] = {}
    for line in text_of(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for controller in controllers.split(","):
            found[controller] = path
    return found


def existing(mount: pathlib.Path, path: str) -> pathlib.Path:
    """The group's folder; in a container that sees only its own, the mount itself."""
    folder = mount / path.lstrip("/")
    return folder if folder.is_dir() else mount


def version_2(folder: pathlib.Path, mount: pathlib.Path) -> Cgroup:
    """One tree for everything; what limits most may be a group above, such as a slice."""
    above = [each for each in folder.parents if each.is_relative_to(mount)]
    groups = [folder, *above]
    memory = tightest(groups, lambda group: number(group / "memory.max"))
    cpu = tightest(groups, cpus_of)
    usage = number(memory / "memory.current")
    cache = fields(memory / "memory.stat").get("inactive_file", 0)
    used = fields(cpu / "cpu.stat").get("usage_usec")
    return Cgroup(
        memory_usage=None if usage is None else max(0, usage - cache),
        memory_limit=number(memory / "memory.max"),
        swap_usage=number(memory / "memory.swap.current"),
        cpus=cpus_of(cpu),
        cpu_seconds=None if used is None else used / 1e6,
        oom_kills=fields(folder / "memory.events").get("oom_kill"),
        counted_in=identity(folder),
    )


def tightest(
    groups: Sequence[pathlib.Path], limit: Callable[[pathlib.Path], float | None]
) -> pathlib.Path:
    """The group with the lowest limit; the first where none has any."""
    limits = [(found, group) for group in groups if (found := limit(group)) is not None]
    return min(limits, key=lambda pair: pair[0])[1] if limits else groups[0]


def cpus_of(group: pathlib.Path) -> float | None:
    """How many CPUs a group may use; None for as many as there are."""
    quota, _, period = text_of(group / "cpu.max").strip().partition(" ")
    is_limited = quota.isdecimal() and period.isdecimal()
    return fewest(
        int(quota) / int(period) if is_limited else None,
        text_of(group / "cpuset.cpus.effective"),
    )


def fewest(quota: float | None, chosen: str) -> float | None:
    """
    The smaller of a share of time and a choice of CPUs, such as `0-3,7`.

    Kubernetes gives a pod whole CPUs of its own in this way.
    """
    ranges = [part.partition("-") for part in chosen.strip().split(",")]
    number = sum(
        int(last or first) - int(first) + 1
        for first, _, last in ranges
        if first.isdecimal() and (last or first).isdecimal()
    )
    if not 0 < number < (os.cpu_count() or 1):
        return quota
    return float(number) if quota is None else min(quota, float(number))


def version_1(
    memory: pathlib.Path,
    cpu: pathlib.Path,
    accounting: pathlib.Path,
    cpuset: pathlib.Path,
) -> Cgroup:
    """A tree for each controller."""
    usage = number(memory / "memory.usage_in_bytes")
    stat = fields(memory / "memory.stat")
    # Of the group and of all above it.
    limit = stat.get(
        "hierarchical_memory_limit", number(memory / "memory.limit_in_bytes")
    )
    cache = stat.get("total_inactive_file", 0)
    both = number(memory / "memory.memsw.usage_in_bytes")
    quota = text_of(cpu / "cpu.cfs_quota_us").strip()
    period = number(cpu / "cpu.cfs_period_us")
    used = number(accounting / "cpuacct.usage")
    return Cgroup(
        memory_usage=None if usage is None else max(0, usage - cache),
        memory_limit=None if limit is None or limit >= NO_LIMIT else limit,
        swap_usage=None if usage is None or both is None else max(0, both - usage),
        cpus=fewest(
            int(quota) / period if quota.isdecimal() and period else None,
            text_of(cpuset / "cpuset.effective_cpus"),
        ),
        cpu_seconds=None if used is None else used / 1e9,
        oom_kills=fields(memory / "memory.oom_control").get("oom_kill"),
        counted_in=identity(memory),
    )


def identity(folder: pathlib.Path) -> str:
    """A folder that no later one of the same name is taken for; "" when it is gone."""
    try:
        return f"{folder}:{folder.stat().st_ino}"
    except OSError:
        return ""


def text_of(path: pathlib.Path) -> str:
    """A file's text; "" when it is not there."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def number(path: pathlib.Path) -> int | None:
    """A file's only number; None for `max` or no file."""
    text = text_of(path).strip()
    return int(text) if text.isdecimal() else None


def fields(path: pathlib.Path) -> dict[str, int]:
    """Lines of name and number."""
    pairs = (line.split() for line in text_of(path).splitlines())
    return {p[0]: int(p[1]) for p in pairs if len(p) == 2 and p[1].isdecimal()}
