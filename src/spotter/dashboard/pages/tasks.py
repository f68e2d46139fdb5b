"""Tasks and management commands: how many, how long, how long they waited."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from spotter.dashboard import format as write
from spotter.dashboard.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Line,
    Table,
    Tile,
    Tiles,
)
from spotter.dashboard.examples import all_or_one
from spotter.dashboard.pages.overview import change
from spotter.dashboard.period import Period
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page, address
from spotter.dashboard.task_queues import depths, queues, waiting_now
from spotter.dashboard.traffic import quantile
from spotter.entries import Point

EVENTS = ("queued", "started", "succeeded", "failed", "retried", "revoked")
HAPPENED, WAIT = "spotter.task.events", "spotter.task.wait"
#: More than this share of failures is bad.
BAD_SHARE = 0.01
MAX_TASKS = 200

BY = ("task.system", "task.name", "event")
Group = tuple[str, str]


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """In numbers, over time, queues, tasks by name, failures, commands; or one task."""
    name = request.GET.get("task", "")
    if name:
        return [
            all_or_one(reader, "tasks", "All tasks", name),
            ended(reader, name),
            failures(reader, name),
            tasks(reader),
        ]
    return [
        tiles(reader),
        ended(reader),
        depths(reader),
        queues(reader),
        tasks(reader),
        failures(reader),
        commands(reader),
    ]


def tiles(reader: Reader) -> Tiles:
    """How many ended, how many failed, how long they waited, how many wait."""
    now, before = sums(reader), sums(reader, reader.period.previous())
    shares = [failed_share(now), failed_share(before)]
    waits = Point()
    for point in reader.totals(WAIT, ("task.name",), buckets=True).values():
        waits.merge(point)
    wait = quantile(waits, 0.95)
    period = reader.period.previous()
    wait_before = quantile(reader.total(WAIT, buckets=True, period=period), 0.95)
    started = now.get("started", 0)
    return Tiles(
        [
            Tile(
                title="Started",
                text=write.per_minute(started / reader.period.minutes),
                change=change(started, before.get("started", 0)),
            ),
            Tile(
                title="Failed",
                text=write.share(shares[0]),
                change=change(*shares),
                tone="bad" if (shares[0] or 0) > BAD_SHARE else "",
            ),
            Tile(title="Wait, p95", text=write.seconds(wait), change=change(wait, wait_before)),
            waiting_now(reader),
        ]
    )  # fmt: skip


def sums(reader: Reader, period: Period | None = None) -> dict[str, float]:
    """How often each event happened to any task."""
    found: dict[str, float] = {}
    # The same that the table of tasks asks for, which is then at hand.
    for (_, _, event), point in reader.totals(HAPPENED, BY, period=period).items():
        found[event] = found.get(event, 0.0) + point.sum
    return found


def failed_share(events: dict[str, float]) -> float | None:
    """Failures of all that ended for good; None when nothing did."""
    ends = events.get("succeeded", 0) + events.get("failed", 0)
    return events.get("failed", 0) / ends if ends else None


def ended(reader: Reader, name: str = "") -> Chart:
    """Tasks that succeeded and failed, over time: all, or those of a name."""
    ends = {"succeeded": "main", "failed": "bad", "retried": "warn"}
    where: dict[str, str | tuple[str, ...]] = {"event": tuple(ends)}
    if name:
        where["task.name"] = name
    found = reader.windows(HAPPENED, ("event",), where)
    lines = []
    for event, tone in ends.items():
        points = found.get((event,))
        values = [p.sum * 60 / reader.period.step if p else None for p in points or ()]
        if any(values):
            lines.append(Line(event, [value or 0.0 for value in values], tone))
    return Chart(
        name="ended",
        title="Tasks a minute",
        unit="1/min",
        times=reader.period.windows,
        lines=lines,
        marks=reader.deploys(),
        bars=True,
    )


def tasks(reader: Reader) -> Table:
    """Each task to which anything happened: its events, and what it takes."""
    found: dict[Group, dict[str, float]] = {}
    for (system, name, event), point in reader.totals(HAPPENED, BY).items():
        found.setdefault((system, name), {})[event] = point.sum
    busy = {group: each for group, each in found.items() if any(each.values())}
    ranked = sorted(
        busy.items(),
        key=lambda i: (-i[1].get("failed", 0), -i[1].get("started", 0), i[0]),
    )
    durations = reader.totals("spotter.task.duration", ("task.name",), buckets=True)
    waits = reader.totals(WAIT, ("task.name",), buckets=True)
    return Table(
        name="tasks",
        title="Tasks",
        columns=[
            Column("Task", numeric=False),
            *(Column(event.capitalize()) for event in EVENTS),
            Column("p95 duration"),
            Column("p95 wait"),
            Column("System", numeric=False),
        ],
        rows=[
            [
                Cell(name, mono=True, href=address("tasks", reader.period, task=name)),
                *(event_cell(event, each.get(event, 0)) for event in EVENTS),
                p95_cell(durations.get((name,))),
                p95_cell(waits.get((name,))),
                Cell(system.capitalize()),
            ]
            for (system, name), each in ranked[:MAX_TASKS]
        ],
        empty="No task was queued or worked on in this period. Those of Django and of Celery "
        "are measured by themselves.",
        note=others(len(found) - len(ranked[:MAX_TASKS])),
    )  # fmt: skip


def others(number: int) -> str:
    """A word about tasks that are not shown."""
    if not number:
        return ""
    what = "1 more task is" if number == 1 else f"{number} more tasks are"
    return f"{what} known, to which less or nothing happened."


def event_cell(event: str, amount: float) -> Cell:
    """How often something happened; failures stand out, what never did steps back."""
    tone = "" if amount else "muted"
    return Cell(
        write.count(amount),
        amount,
        tone="bad" if event == "failed" and amount else tone,
    )


def p95_cell(point: Point | None) -> Cell:
    """A 95th percentile."""
    value = quantile(point, 0.95)
    return Cell(write.seconds(value), value)


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


def failures(reader: Reader, name: str = "") -> Table:
    """The latest attempts that failed or were slow: of all tasks, or of a name."""
    found = reader.samples("task", key=name or None, period=reader.period)
    return Table(
        name="failures",
        title="Failed and slow",
        columns=[
            Column("When (UTC)", numeric=False),
            Column("Task", numeric=False),
            Column("Outcome", numeric=False),
            Column("Attempt"),
            Column("Waited"),
            Column("Took"),
            Column("Exception", numeric=False),
            Column("Log", numeric=False),
        ],
        rows=[
            [
                Cell(write.moment(sample.at), sample.at),
                Cell(sample.key, mono=True, href=address("tasks", reader.period, task=sample.key)),
                outcome_cell(str(sample.body["outcome"])),
                Cell(write.count(sample.body["attempt"]), sample.body["attempt"]),
                Cell(write.seconds(sample.body["wait"]), sample.body["wait"]),
                Cell(write.seconds(sample.body["duration"]), sample.body["duration"]),
                Cell(sample.body["exception"] or "", mono=True),
                log_cell(reader, str(sample.body.get("request_id", ""))),
            ]
            for sample in found
        ],
        empty="None is kept.",
    )  # fmt: skip


def outcome_cell(outcome: str) -> Cell:
    """How an attempt ended."""
    return Cell(outcome, tone={"failed": "bad", "retried": "warn"}.get(outcome, ""))


def log_cell(reader: Reader, request_id: str) -> Cell:
    """Where the lines are that an attempt wrote."""
    if not request_id:
        return Cell(write.NONE)
    return Cell(
        "lines", request_id, href=address("logs", reader.period, request_id=request_id)
    )


PAGE = Page(path="tasks", title="Tasks", menu="Tasks", build=build)
