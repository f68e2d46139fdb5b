"""A snapshot as a page, as JSON and as a feed."""

from __future__ import annotations

import datetime
import functools
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

import orjson
from django.template import Context, Engine
from django.utils.feedgenerator import Rss201rev2Feed

from spotter.alerts.announcements import Maintenance, PublicIncident
from spotter.alerts.uptime import in_per_cent
from spotter.statuspage.snapshot import Component, Day, Snapshot

HERE = pathlib.Path(__file__).parent
#: The page's own files, and what they are.
ASSETS = {
    "status.css": "text/css; charset=utf-8",
    "status.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
#: From which availability on a day is drawn as good, and as fair.
GOOD, FAIR = 0.999, 0.99
VERSION = 1


@functools.cache
def engine() -> Engine:
    """Django's templates, whatever the project's own settings for them."""
    return Engine(dirs=[str(HERE / "templates")], autoescape=True)


@functools.cache
def asset(name: str) -> bytes:
    """One of the page's files."""
    return (HERE / "assets" / name).read_bytes()


@functools.cache
def assets_version() -> str:
    """What changes when any of the files does."""
    every = b"".join(asset(name) for name in sorted(ASSETS))
    return hashlib.blake2b(every, digest_size=6).hexdigest()


def iso(at: float | None) -> str | None:
    """An instant, to the second."""
    if at is None:
        return None
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def words(at: float) -> str:
    """An instant for people."""
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    return f"{moment:%-d %b %Y, %H:%M} UTC"


# JSON; its schema is docs/reference/status.schema.json.


def as_json(snapshot: Snapshot, base: str) -> bytes:
    """For programs; nothing is ever removed from it, and nothing renamed."""
    return orjson.dumps(
        {
            "version": VERSION,
            "title": snapshot.title,
            "url": base,
            "as_of": iso(snapshot.as_of),
            "status": snapshot.status,
            "description": snapshot.headline,
            "unknown_since": iso(snapshot.unknown_since),
            "components": [component_data(each) for each in snapshot.components],
            "incidents": [incident_data(each) for each in snapshot.current],
            "past_incidents": [incident_data(each) for each in snapshot.past],
            "maintenance": [
                maintenance_data(each, snapshot.as_of) for each in snapshot.maintenance
            ],
        },
        option=orjson.OPT_INDENT_2,
    )


def component_data(component: Component) -> dict[str, Any]:
    """One component; shares to five digits."""
    return {
        "name": component.name,
        "status": component.status,
        "unknown_since": iso(component.unknown_since),
        "availability": {k: rounded(v) for k, v in component.availability.items()},
        "days": [
            {"date": each.date.isoformat(), "availability": rounded(each.availability)}
            for each in component.days
        ],
    }


def rounded(share: float | None) -> float | None:
    """Never up: what is not whole is not 1."""
    return None if share is None else int(share * 100_000) / 100_000


def incident_data(incident: PublicIncident) -> dict[str, Any]:
    """One incident, its updates the oldest first."""
    return {
        "id": incident.id,
        "title": incident.title,
        "status": incident.state,
        "started_at": iso(incident.started_at),
        "resolved_at": iso(incident.resolved_at),
        "updates": [
            {"at": iso(each.at), "status": each.state, "text": each.text}
            for each in incident.updates
        ],
    }


def maintenance_data(window: Maintenance, now: float) -> dict[str, Any]:
    """One maintenance window."""
    return {
        "id": window.id,
        "title": window.title,
        "text": window.text,
        "status": window.state(now).replace(" ", "_"),
        "starts_at": iso(window.starts_at),
        "ends_at": iso(window.ends_at),
    }


# The feed.


def as_rss(snapshot: Snapshot, base: str) -> bytes:
    """One item for each update, so that a reader tells of each."""
    feed = Rss201rev2Feed(
        title=f"{snapshot.title}: status",
        link=base,
        description=f"Incidents and maintenance of {snapshot.title}",
        language="en",
        feed_url=f"{base}status.rss",
        ttl=5,
    )
    for incident in snapshot.incidents:
        for update in reversed(incident.updates):
            feed.add_item(
                title=f"{incident.title}: {update.state}",
                link=f"{base}#incident-{incident.id}",
                description=update.text,
                # Not an address: it stays when the page moves.
                unique_id=f"{snapshot.title}: update {update.id}",
                unique_id_is_permalink=False,
                pubdate=datetime.datetime.fromtimestamp(update.at, datetime.UTC),
            )
    for window in snapshot.maintenance:
        feed.add_item(
            title=f"Maintenance: {window.title}",
            link=f"{base}#maintenance-{window.id}",
            description=f"{words(window.starts_at)} to {words(window.ends_at)}. {window.text}",
            unique_id=f"{snapshot.title}: maintenance {window.id}",
            unique_id_is_permalink=False,
            pubdate=datetime.datetime.fromtimestamp(window.starts_at, datetime.UTC),
        )
    return feed.writeString("utf-8").encode()


# The page.


def as_html(snapshot: Snapshot, base: str) -> bytes:
    """The page, complete without a script."""
    page = engine().get_template("spotter/status.html")
    context = Context(
        {
            "page": snapshot,
            "as_of": moment(snapshot.as_of),
            "unknown_since": moment(snapshot.unknown_since),
            "components": [shown_component(each) for each in snapshot.components],
            "current": [shown_incident(each) for each in snapshot.current],
            "past": [shown_incident(each) for each in snapshot.past],
            "maintenance": [
                {
                    "window": each,
                    "state": each.state(snapshot.as_of),
                    "starts": moment(each.starts_at),
                    "ends": moment(each.ends_at),
                }
                for each in snapshot.maintenance
            ],
            "version": assets_version(),
        }
    )
    return page.render(context).encode()


def moment(at: float | None) -> Mapping[str, str | None] | None:
    """An instant for a `time` element."""
    return None if at is None else {"iso": iso(at), "words": words(at)}


def shown_component(component: Component) -> dict[str, Any]:
    """One component with its bars in words."""
    known = sum(each.availability is not None for each in component.days)
    return {
        "name": component.name,
        "status": component.status,
        "since": moment(component.unknown_since),
        "total": in_per_cent(component.availability["90d"]),
        "known": f"{known} days" if known != 1 else "a day",
        "days": [
            {"tone": tone(each), "text": f"{each.date:%-d %b}: {in_per_cent(each.availability)}"}
            for each in component.days
        ],
    }  # fmt: skip


def tone(day: Day) -> str:
    """How a day is drawn."""
    share = day.availability
    if share is None:
        return "none"
    return "good" if share >= GOOD else "fair" if share >= FAIR else "poor"


def shown_incident(incident: PublicIncident) -> dict[str, Any]:
    """One incident, its latest update first."""
    return {
        "id": incident.id,
        "title": incident.title,
        "state": incident.state,
        "started": moment(incident.started_at),
        "resolved": moment(incident.resolved_at),
        "updates": [
            {"at": moment(each.at), "state": each.state, "text": each.text}
            for each in reversed(incident.updates)
        ],
    }
