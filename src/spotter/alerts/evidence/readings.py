"""Evidence from what is read off: hosts, disks, caches, checks, queues, releases."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from spotter.alerts.evidence.piece import Piece, seconds, share, size
from spotter.alerts.evidence.scene import Scene
from spotter.channels.notice import clock
from spotter.entries import Point
from spotter.stores.contract import Query

HOST, MOUNT = "host.name", "system.filesystem.mountpoint"
DAY, HOUR = 86400.0, 3600.0
EACH = 5
Write = Callable[[float], str]


def per_cent(value: float) -> str:
    """A share as people write it."""
    return share(value, 1)


def hosts(scene: Scene) -> Iterator[Piece]:
    """CPU, load, memory and swap of the host that it is about, or of the fullest."""
    wanted = scene.label(HOST)
    where = {HOST: wanted} if wanted else {}
    readings: tuple[tuple[str, str, Write], ...] = (
        ("CPU", "system.cpu.utilization", per_cent),
        ("load", "system.cpu.load_average.1m", lambda v: f"{v:.3g}"),
        ("CPUs", "system.cpu.logical.count", lambda v: f"{v:g}"),
        ("memory", "system.memory.utilization", per_cent),
        ("of", "system.memory.limit", size),
        ("swap", "system.paging.usage", size),
    )
    told: dict[str, list[str]] = {}
    for name, metric, write in readings:
        found: dict[str, Point] = scene.totals(metric, HOST, where=where)
        for host, point in found.items():
            told.setdefault(host, []).append(f"{name} {write(point.last)}")
    for host, texts in sorted(told.items())[:EACH]:
        text = f"{host}: {', '.join(texts)}"
        yield Piece(kind="reading", name="Host", text=text, page="hosts")


def processes(scene: Scene) -> Iterator[Piece]:
    """The processes of the project that use most memory."""
    wanted = scene.label(HOST)
    found: dict[tuple[str, str], Point] = scene.totals(
        "process.memory.usage",
        HOST,
        "process.pid",
        where={HOST: wanted} if wanted else {},
    )
    busy = scene.totals("process.cpu.utilization", HOST, "process.pid")
    for group, point in sorted(found.items(), key=lambda f: -f[1].last)[:EACH]:
        cpu = busy[group].last if group in busy else 0.0
        text = f"process {group[1]} on {group[0]}: {size(point.last)}, {per_cent(cpu)} of a CPU"
        yield Piece(kind="reading", name="Processes", text=text, page="hosts")


def disks(scene: Scene) -> Iterator[Piece]:
    """What is used of the disk that it is about, and how fast that grew."""
    where = {
        name: value for name in (HOST, MOUNT) if (value := scene.alert.labels.get(name))
    }
    used = scene.totals("system.filesystem.usage", HOST, MOUNT, where=where)
    limit = scene.totals("system.filesystem.limit", HOST, MOUNT, where=where)
    shares: dict[tuple[str, str], Point] = scene.totals(
        "system.filesystem.utilization", HOST, MOUNT, where=where
    )
    before = scene.source.total(
        Query(
            name="system.filesystem.usage", start=scene.now - DAY - HOUR,
            end=scene.now - DAY + HOUR, by=(HOST, MOUNT), where=where, buckets=False,
        )
    )  # fmt: skip
    fullest = sorted(shares.items(), key=lambda f: -f[1].last)[:EACH]
    for group, point in fullest:
        text = f"{group[1]} on {group[0]}: {per_cent(point.last)} used"
        if group in limit:
            text += f" of {size(limit[group].last)}"
        if group in used and group in before and before[group].count:
            grown = used[group].last - before[group].mean
            text += f", {size(grown)} more than a day before"
        yield Piece(kind="reading", name="Disk", text=text, page="hosts")


def cache(scene: Scene) -> Iterator[Piece]:
    """Hits, failures and time of each cache."""
    alias = "cache.alias"
    lookups: dict[tuple[str, str], Point] = scene.totals(
        "spotter.cache.lookups", alias, "result"
    )
    errors: dict[str, Point] = scene.totals("spotter.cache.errors", alias)
    took: dict[str, Point] = scene.totals("spotter.cache.operation.duration", alias)
    for name in sorted({a for a, _ in lookups} | set(errors) | set(took))[:EACH]:
        hits = lookups[name, "hit"].sum if (name, "hit") in lookups else 0.0
        misses = lookups[name, "miss"].sum if (name, "miss") in lookups else 0.0
        failed = errors[name].sum if name in errors else 0.0
        text = (
            f"{name}: {share(hits, hits + misses)} of {hits + misses:,.0f} lookups hit, "
            f"{failed:,.0f} operations failed"
        )
        if name in took:
            text += f", {seconds(took[name].mean)} on average"
        yield Piece(kind="reading", name="Cache", text=text, page="cache")


def checks(scene: Scene) -> Iterator[Piece]:
    """Which health checks fail."""
    found: dict[tuple[str, str], Point] = scene.totals(
        "spotter.health_check.up", "check", "kind", seconds=90.0
    )
    failing = sorted(name for (name, _), point in found.items() if not point.last)
    if found:
        text = ", ".join(failing) + " fail" if failing else "every check is well"
        text = f"{text} ({len(found) - len(failing)} of {len(found)} are well)"
        yield Piece(kind="reading", name="Health checks", text=text, page="uptime")


def probes(scene: Scene) -> Iterator[Piece]:
    """How the monitor was, from each watcher."""
    wanted = scene.label("probe")
    where = {"probe": wanted} if wanted else {}
    found: dict[tuple[str, str], Point] = scene.totals(
        "spotter.probe.success", "probe", "watcher", where=where
    )
    for (probe, watcher), point in sorted(found.items())[:EACH]:
        text = (
            f"{probe} from {watcher}: {'answers' if point.last else 'fails'} now, "
            f"{share(point.sum, point.count)} of {point.count:,.0f} probes in "
            f"{scene.minutes} were right"
        )
        yield Piece(kind="reading", name="Probes", text=text, page="uptime")


def queues(scene: Scene) -> Iterator[Piece]:
    """How long each queue is, and what became of its tasks."""
    depth: dict[str, Point] = scene.totals("spotter.task.queue.depth", "queue")
    oldest: dict[str, Point] = scene.totals("spotter.task.queue.oldest", "queue")
    for queue, point in sorted(depth.items())[:EACH]:
        text = f"{queue}: {point.last:,.0f} tasks wait"
        if queue in oldest:
            text += f", the oldest for {seconds(oldest[queue].last)}"
        yield Piece(kind="reading", name="Queue", text=text, page="tasks")
    ended: dict[str, Point] = scene.totals("spotter.task.events", "event")
    if ended:
        counts = sorted((event, p.sum) for event, p in ended.items() if event)
        text = ", ".join(f"{count:,.0f} {event}" for event, count in counts)
        if text:
            text = f"{text} in {scene.minutes}"
            yield Piece(kind="reading", name="Tasks", text=text, page="tasks")


def release(scene: Scene) -> Iterator[Piece]:
    """The last release of a day, and how long before."""
    found = scene.samples("deploy", scene.now - DAY, limit=20)
    if found:
        name = found[0].key
        at = min(each.at for each in found if each.key == name)
        text = f"{name} at {clock(at)}, {(scene.now - at) / 60:,.0f} min before"
        yield Piece(kind="deploy", name="Last deploy", text=text, page="requests")
