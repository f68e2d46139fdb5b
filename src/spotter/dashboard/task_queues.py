"""How much waits in each queue of tasks, now and over time, and for how long."""

from __future__ import annotations

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Cell, Chart, Column, Line, Table, Tile
from spotter.dashboard.reading import Reader
from spotter.entries import Point

DEPTH, OLDEST = "spotter.task.queue.depth", "spotter.task.queue.oldest"
BY_QUEUE = ("task.system", "queue")
#: When the first of a queue has waited for so long, nobody works on it.
STUCK_SECONDS = 600.0
#: A queue that has not been read for so long is not known.
GONE_SECONDS = 90.0
#: Queues that the chart has a line for.
MAX_LINES = 5


def waiting_now(reader: Reader) -> Tile:
    """How many tasks wait in all queues together, and the first of them for how long."""
    depth, oldest = (
        [p for p in reader.totals(name, BY_QUEUE).values() if is_known(reader, p)]
        for name in (DEPTH, OLDEST)
    )
    longest = max((point.last for point in oldest), default=0.0)
    return Tile(
        title="Waiting now",
        text=write.count(sum(p.last for p in depth)) if depth else write.NONE,
        change=f"the first for {write.seconds(longest)}" if longest else "",
        tone="bad" if longest > STUCK_SECONDS else "",
    )


def depths(reader: Reader) -> Chart:
    """How much waits in each queue, over time: the fullest ones."""
    found = reader.windows(DEPTH, BY_QUEUE)
    lines = {
        group: [point.maximum if point and point.count else None for point in points]
        for group, points in found.items()
    }
    ranked = sorted(lines.items(), key=lambda i: (-max(v or 0 for v in i[1]), i[0]))
    return Chart(
        name="depths",
        title="Tasks that wait",
        unit="count",
        times=reader.period.windows,
        lines=[Line(name_of(group), values) for group, values in ranked[:MAX_LINES]],
        marks=reader.deploys(),
    )


def name_of(group: tuple[str, ...]) -> str:
    """A queue with its system."""
    system, queue = group
    return f"{queue} ({system.capitalize()})"


def is_known(reader: Reader, point: Point) -> bool:
    """Whether a queue was read lately, or at all in a period that is over."""
    return not reader.period.is_live or reader.now - point.last_at < GONE_SECONDS


def queues(reader: Reader) -> Table:
    """How much waits, and how long already."""
    depth = reader.totals(DEPTH, BY_QUEUE)
    oldest = reader.totals(OLDEST, BY_QUEUE)
    top = max((point.last for point in depth.values()), default=0) or 1
    return Table(
        name="queues",
        title="Queues",
        columns=[
            Column("Queue", numeric=False),
            Column("Waiting"),
            Column("Most"),
            Column("The first waits for"),
            Column("Read", numeric=False),
        ],
        rows=[
            [
                Cell(name_of((system, queue))),
                Cell(write.count(point.last), point.last, bar=point.last / top),
                Cell(write.count(point.maximum), point.maximum),
                oldest_cell(reader, oldest.get((system, queue))),
                Cell(
                    write.ago(reader.now - point.last_at),
                    tone="muted" if is_known(reader, point) else "warn",
                ),
            ]
            for (system, queue), point in sorted(depth.items(), key=lambda i: (-i[1].last, i[0]))
        ],
        empty="No queue has been read in this period. manage.py spotter watch reads those of "
        "django-tasks' database, and Celery's in a Redis broker.",
        note="Celery's workers fetch tasks ahead, which count as waiting no more."
        if any(system == "celery" for system, _ in depth)
        else "",
    )  # fmt: skip


def oldest_cell(reader: Reader, point: Point | None) -> Cell:
    """How long the first of a queue has waited; unknown without its header."""
    if point is None or not is_known(reader, point):
        return Cell(write.NONE)
    tone = "bad" if point.last > STUCK_SECONDS else ""
    return Cell(write.seconds(point.last), point.last, tone=tone)
