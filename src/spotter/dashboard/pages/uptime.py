"""Uptime: what is probed from outside, and the jobs that must report."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from spotter.alerts.book import Book
from spotter.alerts.heartbeats import SUCCESS, Heartbeat, problem_of
from spotter.conf import get_settings
from spotter.dashboard import format as write
from spotter.dashboard.blocks import Block, Cell, Chart, Column, Line, Table
from spotter.dashboard.ping import key_of
from spotter.dashboard.reading import Reader
from spotter.dashboard.site import Page
from spotter.probes import Monitor
from spotter.stores.contract import Query
from spotter.stores.sql import SqlStore

DAYS = (1, 7, 30, 90)
UP, TIME = "spotter.probe.success", "spotter.probe.duration"


def build(reader: Reader, request: HttpRequest) -> Sequence[Block]:
    """Monitors, their history, heartbeats."""
    return [monitors(reader), history(reader), heartbeats(reader, request)]


def availability(reader: Reader, days: int) -> dict[str, float]:
    """The share of probes that were right, by monitor."""
    query = Query(
        name=UP, start=reader.now - days * 86400, end=reader.now + 10, by=("probe",),
        buckets=False,
    )  # fmt: skip
    found = reader.store.total(query)
    return {probe: point.mean for (probe,), point in found.items() if point.count}


def monitors(reader: Reader) -> Table:
    """Each monitor with its availability over 24 hours, 7, 30 and 90 days."""
    names = [m.name for m in get_settings().monitors if isinstance(m, Monitor)]
    shares = {days: availability(reader, days) for days in DAYS}
    names += sorted(set(shares[90]) - set(names))
    now = reader.totals(UP, ("probe",))
    took = reader.totals(TIME, ("probe",))
    rows = []
    for name in names:
        last = now[name,].last if (name,) in now else None
        state = "never probed" if last is None else ("up" if last else "down")
        tone = {"up": "good", "down": "bad"}.get(state, "muted")
        cells = [Cell(name), Cell(state, tone=tone)]
        for days in DAYS:
            share = shares[days].get(name)
            shown = "" if share is None else write.share(share)
            cells.append(
                Cell(
                    shown,
                    share,
                    tone="warn" if share is not None and share < 0.999 else "",
                )
            )
        cells.append(Cell(write.seconds(took[name,].mean if (name,) in took else None)))
        rows.append(cells)
    return Table(
        name="monitors",
        title="Monitors",
        columns=[
            Column("Monitor", numeric=False),
            Column("Now", numeric=False),
            *(Column("24 h" if days == 1 else f"{days} days") for days in DAYS),
            Column("Answers in"),
        ],
        rows=rows,
        empty="Nothing is probed: list monitors in SPOTTER['MONITORS'].",
    )


def history(reader: Reader) -> Chart:
    """How long each monitor's probes took."""
    found = reader.windows(TIME, ("probe",))
    return Chart(
        name="probes",
        title="Duration of probes",
        unit="s",
        times=list(reader.period.windows),
        lines=[
            Line(probe, [point.mean if point else None for point in points])
            for (probe,), points in sorted(found.items())
        ],
        marks=reader.deploys(),
    )


def heartbeats(reader: Reader, request: HttpRequest) -> Table:
    """Each job with its last success, what is wrong, and where to report to."""
    jobs = [each for each in get_settings().heartbeats if isinstance(each, Heartbeat)]
    rows = []
    if jobs and isinstance(reader.store, SqlStore):
        with Book(reader.store).reading() as page:
            pings = {job.name: page.pings(job.name) for job in jobs}
        for job in jobs:
            last = next((p.at for p in pings[job.name] if p.kind == SUCCESS), None)
            problem = problem_of(job, pings[job.name], reader.now)
            rows.append(
                [
                    Cell(job.name),
                    Cell(problem or "well", tone="bad" if problem else "good"),
                    Cell(write.ago(reader.now - last) if last else "never", last),
                    Cell(write.seconds(job.every_seconds), job.every_seconds),
                    Cell(ping_address(request, job.name), mono=True),
                ]
            )
    return Table(
        name="heartbeats",
        title="Heartbeats",
        columns=[
            Column("Job", numeric=False),
            Column("State", numeric=False),
            Column("Last success", numeric=False),
            Column("Every"),
            Column("Reports with POST to", numeric=False),
        ],
        rows=rows,
        empty="No job reports: list them in SPOTTER['HEARTBEATS'].",
    )


def ping_address(request: HttpRequest, name: str) -> str:
    """Where a job reports to from elsewhere."""
    try:
        return request.build_absolute_uri(reverse("spotter:ping", args=[key_of(name)]))
    except NoReverseMatch:
        return ""


PAGE = Page(path="uptime", title="Uptime", menu="Uptime", build=build)
