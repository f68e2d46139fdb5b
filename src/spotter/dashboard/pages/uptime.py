"""Uptime: what is probed from outside, and the jobs that must report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from spotter.alerts import jobs
from spotter.alerts.book import Book
from spotter.alerts.jobs import LOOK_BACK, Job
from spotter.alerts.outages import Outage, outages
from spotter.alerts.punctuality import START, SUCCESS, durations, problem_of
from spotter.alerts.records import Ping
from spotter.alerts.uptime import (
    DAY,
    DAYS,
    Day,
    History,
    State,
    histories,
    in_per_cent,
    states,
)
from spotter.conf import get_settings
from spotter.dashboard import format as write
from spotter.dashboard.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    DayBar,
    DayBars,
    DayRow,
    Line,
    Table,
)
from spotter.dashboard.ping import key_of
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page
from spotter.probes import Monitor
from spotter.stores.sql import SqlStore

OVER = (1, 7, 30, 90)
TIME = "spotter.probe.duration"
TONES = {State.UP: "good", State.DOWN: "bad", State.UNKNOWN: "muted"}
#: Below it a day, or a period, is marked.
GOOD, FAIR = 0.999, 0.99


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """Monitors, their days, how long they took, outages, heartbeats."""
    known = histories(reader.store, reader.now, get_settings().probe_seconds)
    names = [m.name for m in get_settings().monitors if isinstance(m, Monitor)]
    names += sorted(set(known) - set(names))
    blocks: list[Block] = [monitors(reader, names, known)]
    if known:
        blocks.append(days(names, known))
    blocks.append(history(reader))
    if isinstance(reader.store, SqlStore):
        with Book(reader.store).reading() as page:
            found = outages(page, reader.now - DAYS * DAY)
        blocks.append(outages_table(found, reader.now))
    return [*blocks, heartbeats(reader, request)]


def monitors(
    reader: Reader, names: Sequence[str], known: Mapping[str, History]
) -> Table:
    """Each monitor with its availability over 24 hours, 7, 30 and 90 days."""
    now = states(reader.store, reader.now)
    took = reader.totals(TIME, ("probe",), buckets=True)
    rows = []
    for name in names:
        history, point = known.get(name), took.get((name,))
        rows.append(
            [
                Cell(name),
                state_cell(now.get(name, State.UNKNOWN), history, reader.now),
                *(share_cell(history, over) for over in OVER),
                unknown_cell(history),
                Cell(write.seconds(point.quantile(0.5) if point else None)),
                Cell(write.seconds(point.quantile(0.95) if point else None)),
            ]
        )
    return Table(
        name="monitors",
        title="Monitors",
        columns=[
            Column("Monitor", numeric=False),
            Column("Now", numeric=False),
            *(Column("24 h" if over == 1 else f"{over} days") for over in OVER),
            Column("Not known"),
            Column("p50"),
            Column("p95"),
        ],
        rows=rows,
        empty="Nothing is probed: list monitors in SPOTTER['MONITORS'].",
        note="The share of probes that were right, as the best placed watcher saw it. "
        "Time that nobody probed counts neither way; it is under Not known, since the "
        "first probe of the last 90 days.",
    )


def state_cell(state: State, history: History | None, now: float) -> Cell:
    """How it is now, or since when nobody knows."""
    text = str(state)
    if state is State.UNKNOWN:
        text = "never probed"
        if history is not None and history.last_at:
            text = f"unknown for {write.seconds(now - history.last_at)}"
    return Cell(text, tone=TONES[state])


def share_cell(history: History | None, over: int) -> Cell:
    """An availability; empty where nothing is known."""
    share = history.over(over).share if history else None
    if share is None:
        return Cell("")
    tone = tone_of(share)
    return Cell(in_per_cent(share), share, tone="" if tone == "good" else tone)


def unknown_cell(history: History | None) -> Cell:
    """How long nobody knew."""
    if history is None:
        return Cell("")
    seconds = history.over(DAYS).unknown
    text = write.seconds(seconds) if seconds >= 1 else "0"
    return Cell(text, seconds, tone="muted")


def days(names: Sequence[str], known: Mapping[str, History]) -> DayBars:
    """A bar for each of the last 90 days."""
    return DayBars(
        title=f"The last {DAYS} days",
        rows=[
            DayRow(
                name,
                in_per_cent(known[name].over(DAYS).share),
                [bar_of(day) for day in known[name].days()],
            )
            for name in names
            if name in known
        ],
    )


def bar_of(day: Day) -> DayBar:
    """One day: how it was in words, and its tone."""
    share = day.span.share
    text = f"{day.date:%-d %b %Y}: {in_per_cent(share)}"
    if share is None:
        return DayBar(text, "none")
    if day.span.unknown >= 60:
        text += f", not known {write.seconds(day.span.unknown)}"
    return DayBar(text, tone_of(share))


def tone_of(share: float) -> str:
    """How an availability is coloured, of a day as of a period."""
    return "good" if share >= GOOD else "warn" if share >= FAIR else "bad"


def history(reader: Reader) -> Chart:
    """How long each monitor's probes took."""
    found = reader.windows(TIME, ("probe",), buckets=True)
    return Chart(
        name="probes",
        title="Duration of probes, p95",
        unit="s",
        times=list(reader.period.windows),
        lines=[
            Line(probe, [point.quantile(0.95) if point else None for point in points])
            for (probe,), points in sorted(found.items())
        ],
        marks=reader.deploys(),
        is_wide=True,
    )


def outages_table(found: Sequence[Outage], now: float) -> Table:
    """When each monitor was down, and why."""
    return Table(
        name="outages",
        title="Outages",
        columns=[
            Column("Monitor", numeric=False),
            Column("Began (UTC)", numeric=False),
            Column("Ended (UTC)", numeric=False),
            Column("Lasted"),
            Column("Reason", numeric=False),
        ],
        rows=[
            [
                Cell(each.monitor),
                Cell(write.moment(each.began_at), each.began_at),
                Cell(write.moment(each.ended_at), each.ended_at)
                if each.ended_at
                else Cell("goes on", tone="bad"),
                Cell(write.seconds((each.ended_at or now) - each.began_at)),
                Cell(each.reason),
            ]
            for each in found
        ],
        empty=f"No monitor was down in the last {DAYS} days, as far as anybody knows.",
    )


def heartbeats(reader: Reader, request: HttpRequest) -> Table:
    """Each job with its last success, what is wrong, and where to report to."""
    rows = []
    if isinstance(reader.store, SqlStore):
        with Book(reader.store).reading() as page:
            rows = [
                job_row(
                    job, page.pings(job.heartbeat.name, limit=LOOK_BACK), reader.now
                )
                for job in jobs.known(page, jobs.of_this_process())
            ]
    for row in rows:
        row.append(Cell(ping_address(request, row[0].text), mono=True))
    return Table(
        name="heartbeats",
        title="Heartbeats",
        columns=[
            Column("Job", numeric=False),
            Column("State", numeric=False),
            Column("Last success", numeric=False),
            Column("Took"),
            Column("Size"),
            Column("Every"),
            Column("Reports with POST to", numeric=False),
        ],
        rows=rows,
        empty="No job reports: decorate one with @heartbeat, or list it in "
        "SPOTTER['HEARTBEATS'].",
    )


def job_row(job: Job, pings: Sequence[Ping], now: float) -> list[Cell]:
    """How one job is."""
    problem = problem_of(job.heartbeat, pings, now, job.registered_at)
    last = next((ping for ping in pings if ping.kind == SUCCESS), None)
    took, size = durations(pings), last.body.get("size") if last else None
    state = state_of_job(pings, now)
    return [
        Cell(job.heartbeat.name),
        Cell(problem or state, tone="bad" if problem else "" if not last else "good"),
        Cell(write.ago(now - last.at), last.at) if last else Cell("never"),
        Cell(write.seconds(took[0]), took[0]) if took else Cell(""),
        Cell(write.size(size), size) if isinstance(size, int) else Cell(""),
        Cell(write.seconds(job.heartbeat.every_seconds), job.heartbeat.every_seconds),
    ]


def state_of_job(pings: Sequence[Ping], now: float) -> str:
    """What a job with which nothing is wrong does."""
    if not pings:
        return "waiting for its first report"
    if pings[0].kind == START:
        return f"running for {write.seconds(now - pings[0].at)}"
    return "well"


def ping_address(request: HttpRequest, name: str) -> str:
    """Where a job reports to from elsewhere."""
    try:
        return request.build_absolute_uri(reverse("spotter:ping", args=[key_of(name)]))
    except NoReverseMatch:
        return ""


PAGE = Page(path="uptime", title="Uptime", menu="Uptime", build=build)
