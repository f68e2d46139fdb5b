"""What alerting leaves behind in 90 days: incidents, deliveries, silences, jobs."""

from __future__ import annotations

from benchmarks._service import MONITORS, route_of
from spotter.alerts import jobs, outages
from spotter.alerts.book import Book, Page
from spotter.alerts.evidence import keeping
from spotter.alerts.evidence.piece import Piece
from spotter.alerts.machine import State, Status
from spotter.alerts.outages import Outage
from spotter.alerts.punctuality import START, SUCCESS, Heartbeat
from spotter.alerts.records import (
    FAILED,
    MAINTENANCE,
    OPEN,
    RESOLVED,
    SENT,
    SILENCE,
    Alert,
    Incident,
    Ping,
)
from spotter.stores.contract import DAY, HOUR
from spotter.stores.sql import SqlStore

INCIDENTS, CHANNELS = 500, ("slack", "email", "pagerduty", "webhook", "sentry")
#: Each opens and ends on every channel: two deliveries of each.
KINDS = ("trigger", "resolve")
EVENTS, EVIDENCE = 20, 12
#: Incidents of the last day, which the watcher looks at in every cycle.
TODAY = 60
#: Incidents that are open, and alerts that are remembered though they fire no more.
OPEN_NOW, CALM = 3, 60
RULES = ("HighErrorRate", "SlowRequests", "HighCPU", "QueueStuck", "MonitorDown")
SILENCES, OUTAGES = 120, 20
#: By name: how often the job runs.
JOBS = {
    "reminders": 300,
    "invoices": HOUR,
    "cleanup": HOUR,
    "report": DAY,
    "backup": DAY,
}


def fill_book(store: SqlStore, now: float) -> None:
    """Write all of it."""
    with Book(store).writing() as page:
        for number in range(INCIDENTS):
            write_incident(page, number, now)
        for number in range(CALM):
            write_alert(page, number, now)
        for number in range(SILENCES):
            write_silence(page, number, now)
        for monitor in MONITORS:
            for number in range(OUTAGES):
                write_outage(page, monitor, number, now)
    with Book(store).writing() as page:
        write_jobs(page, now)


def write_incident(page: Page, number: int, now: float) -> None:
    """One incident with all that was said and done about it."""
    recent = INCIDENTS - number <= TODAY
    age = (INCIDENTS - number) * (DAY / TODAY if recent else 90 * DAY / INCIDENTS)
    at, rule = now - age, RULES[number % len(RULES)]
    body = {"title": "5 % of requests fail", "alerts": [f"{number:032x}"], "rules": {rule: 1},
            "began_at": at - 60, "first_acknowledged_at": at + 120,
            "evidence": [["Route", route_of(n)] for n in range(8)]}  # fmt: skip
    if number % 3:
        body["resolution"] = {
            "cause": "a deploy",
            "done": "rolled back",
            "by": "mia",
            "at": at + 700,
        }
    incident = page.open_incident(f"{number:032x}", "critical", at, body)
    is_open = number >= INCIDENTS - OPEN_NOW
    ended = at + 600
    page.save_incident(
        Incident(
            id=incident.id, dedup_key=incident.dedup_key,
            state=OPEN if is_open else RESOLVED, severity="critical", opened_at=at,
            touched_at=ended, resolved_at=None if is_open else ended, body=body,
        )
    )  # fmt: skip
    if is_open:
        write_alert(page, CALM + number, now, incident.id)
    for event in range(EVENTS):
        page.note(incident.id, at + event, "firing", "HighErrorRate: 5 % fail", "")
    keeping.keep(page, incident.id, at, evidence(number))
    notice = {"lines": ["5 % of requests fail (312 of 6,240 in 5 min)"] * 3, **body}
    for channel in CHANNELS:
        for kind in KINDS:
            decide(page, incident.id, channel, kind, at, notice)


def evidence(number: int) -> list[Piece]:
    return [
        Piece(kind="route", name="Routes", page="requests/route", asked={"route": route_of(n)},
              text=f"{route_of(n)}: {n + 1} % of {number + 900} requests fail")
        for n in range(EVIDENCE)
    ]  # fmt: skip


def decide(
    page: Page,
    incident: int,
    channel: str,
    kind: str,
    at: float,
    notice: dict[str, object],
) -> None:
    """One delivery, as the outbox leaves it."""
    key = f"{incident}:{channel}:{kind}:0"
    is_lost = channel == "webhook" and incident % 50 == 0
    page.decide(
        key, incident, channel, kind, state=FAILED if is_lost else SENT, now=at,
        reason="the incident opened", notice=notice,
    )  # fmt: skip


def write_alert(
    page: Page, number: int, now: float, incident: int | None = None
) -> None:
    """An alert that fires, or that did lately."""
    fires = incident is not None
    status = Status(
        state=State.FIRING if fires else State.INACTIVE, active_at=now - 900 if fires else None,
        fired_at=now - 800, resolved_at=None if fires else now - 400, seen_at=now,
    )  # fmt: skip
    alert = Alert(
        key=f"{number:032x}", rule=RULES[number % len(RULES)], labels={"http.route": route_of(number)},
        status=status, incident=incident, value=0.05, text="5 % of requests fail", severity="critical",
    )  # fmt: skip
    page.save_alert(alert, now)


def write_silence(page: Page, number: int, now: float) -> None:
    """One that has ended, or, of the last ones, holds."""
    starts_at = now - (SILENCES - number) * 0.7 * DAY
    ends_at = now + HOUR if number >= SILENCES - 3 else starts_at + HOUR
    matchers = {"rule": RULES[number % len(RULES)], "http.route": route_of(number)}
    kind = SILENCE if number % 10 else MAINTENANCE
    page.silence(
        matchers,
        "mia",
        "known, a deploy is on its way",
        starts_at,
        ends_at,
        starts_at,
        kind=kind,
    )


def write_outage(page: Page, monitor: str, number: int, now: float) -> None:
    at = now - (number + 0.5) * 90 * DAY / OUTAGES
    begun = Outage(monitor=monitor, began_at=at, ended_at=None, reason="answered 503")
    outages.begin(page, begun)
    outages.end(
        page, Outage(monitor=monitor, began_at=at, ended_at=at + 240, reason="")
    )


def write_jobs(page: Page, now: float) -> None:
    """Jobs and their signs of life, as many as are kept."""
    beats = [Heartbeat(name=name, every_seconds=every, grace_seconds=600, is_backup=name == "backup")
             for name, every in JOBS.items()]  # fmt: skip
    jobs.enroll(page, beats, now - 90 * DAY)
    for name, every in JOBS.items():
        for number in range(int(90 * DAY / every)):
            at = now - number * every - 60
            page.ping(Ping(name=name, kind=START, at=at - 20))
            page.ping(
                Ping(
                    name=name,
                    kind=SUCCESS,
                    at=at,
                    body={
                        "seconds": 20.1,
                        "size": 5_000_000,
                        "output": "sent 12 letters",
                    },
                )
            )
    jobs.trim(page)
