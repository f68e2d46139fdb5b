"""Tasks and management commands: how many, how long, how long they waited."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Cell, Column, Table
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page
from spotter.dashboard.traffic import quantile
from spotter.entries import Point

EVENTS = ("queued", "started", "succeeded", "failed", "retried")


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """Tasks by name, queues, commands, the latest failures."""
    return [tasks(reader), queues(reader), commands(reader), failures(reader)]


def tasks(reader: Reader) -> Table:
    """Each task: its events, and what it takes."""
    found: dict[str, dict[str, float]] = {}
    for (name, event), point in reader.totals(
        "spotter.task.events", ("task.name", "event")
    ).items():
        found.setdefault(name, {})[event] = point.sum
    durations = reader.totals("spotter.task.duration", ("task.name",), buckets=True)
    waits = reader.totals("spotter.task.wait", ("task.name",), buckets=True)
    return Table(
        name="tasks",
        title="Tasks",
        columns=[
            Column("Task", numeric=False),
            *(Column(event.capitalize()) for event in EVENTS),
            Column("p95 duration"),
            Column("p95 wait"),
        ],
        rows=[
            [
                Cell(name, mono=True),
                *(event_cell(event, each.get(event, 0)) for event in EVENTS),
                p95_cell(durations.get((name,))),
                p95_cell(waits.get((name,))),
            ]
            for name, each in sorted(found.items())
        ],
        empty="No task was queued or worked on in this period. Django's tasks are measured "
        "by themselves, Celery's not yet.",
    )


def event_cell(event: str, amount: float) -> Cell:
    """How often something happened; failures stand out."""
    return Cell(
        write.count(amount), amount, tone="bad" if event == "failed" and amount else ""
    )


def p95_cell(point: Point | None) -> Cell:
    """A 95th percentile."""
    value = quantile(point, 0.95)
    return Cell(write.seconds(value), value)


def queues(reader: Reader) -> Table:
    """How much waits, and how long already."""
    by = ("task.system", "queue")
    depth = reader.totals("spotter.task.queue.depth", by)
    oldest = reader.totals("spotter.task.queue.oldest", by)
    return Table(
        name="queues",
        title="Queues",
        columns=[Column("Queue", numeric=False), Column("Waiting"), Column("Oldest waits")],
        rows=[
            [
                Cell(f"{queue} ({system})"),
                Cell(write.count(point.last), point.last),
                Cell(write.seconds(oldest[system, queue].last if (system, queue) in oldest else None)),
            ]
            for (system, queue), point in sorted(depth.items())
        ],
        empty="`manage.py spotter watch` reads the queues of django-tasks' database; nothing has yet.",
    )  # fmt: skip


def commands(reader: Reader) -> Table:
    """Management commands."""
    found = reader.totals("spotter.command.duration", ("command.name", "outcome"))
    return Table(
        name="commands",
        title="Commands",
        columns=[
            Column("Command", numeric=False),
            Column("Outcome", numeric=False),
            Column("Runs"),
            Column("Mean"),
            Column("Longest"),
        ],
        rows=[
            [
                Cell(name, mono=True),
                Cell(outcome, tone="bad" if outcome == "failed" else ""),
                Cell(write.count(point.count), point.count),
                Cell(write.seconds(point.mean), point.mean),
                Cell(write.seconds(point.maximum), point.maximum),
            ]
            for (name, outcome), point in sorted(found.items())
        ],
        empty="No management command ended in this period.",
    )


def failures(reader: Reader) -> Table:
    """The latest tasks that failed or were slow."""
    found = reader.samples("task", since=reader.period.start)
    return Table(
        name="failures",
        title="Failed and slow",
        columns=[
            Column("When (UTC)", numeric=False),
            Column("Task", numeric=False),
            Column("Outcome", numeric=False),
            Column("Took"),
            Column("Exception", numeric=False),
        ],
        rows=[
            [
                Cell(write.moment(sample.at), sample.at),
                Cell(sample.key, mono=True),
                Cell(sample.body["outcome"], tone="bad" if sample.body["outcome"] == "failed" else ""),
                Cell(write.seconds(sample.body["duration"]), sample.body["duration"]),
                Cell(sample.body["exception"] or "", mono=True),
            ]
            for sample in found
        ],
        empty="None is kept.",
    )  # fmt: skip


PAGE = Page(path="tasks", title="Tasks", menu="Tasks", build=build)
