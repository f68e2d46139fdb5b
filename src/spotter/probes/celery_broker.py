"""How many Celery tasks wait in a Redis broker, and for how long the first has."""

from __future__ import annotations

import datetime
import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from spotter import recording

logger = logging.getLogger("spotter.watcher")

#: The header of a message that says when it was published, in Unix seconds.
PUBLISHED_AT = "spotter_published_at"
#: The longest that the broker is waited for, each time.
TIMEOUT_SECONDS = 1.0
#: Queues of one app that are looked at.
MAX_QUEUES = 100
#: How often a broker that does not answer is spoken of.
COMPLAIN_SECONDS = 3600.0

_quiet_until: dict[str, float] = {}
_not_before: dict[str, float] = {}


def read() -> None:
    """Measure the queues of each Celery app of this process whose broker is Redis."""
    for app in apps():
        name, now = app.main or "", time.monotonic()
        if now < _not_before.get(name, float("-inf")):
            continue
        # What is no silence but a mistake is logged with its stack: not every time.
        _not_before[name] = now + COMPLAIN_SECONDS
        look(app)
        del _not_before[name]


def look(app: Any) -> None:
    """Measure the queues of one app."""
    with app.connection_for_read(
        transport_options={
            **app.conf.broker_transport_options,
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
        }
    ) as connection:
        if connection.transport.driver_type != "redis":
            return
        try:
            measure(app, connection.channel())
        except connection.connection_errors + connection.channel_errors as error:
            complain(app, error)


def apps() -> list[Any]:
    """The apps of this process; none where nothing has imported Celery."""
    state = sys.modules.get("celery._state")
    # Not `current_app`: that is one for each thread, and this one has made none.
    return list(state._get_active_apps()) if state is not None else []


def measure(app: Any, channel: Any) -> None:
    """Record each queue's depth and, where it is known, the age of its first task."""
    _quiet_until.pop(app.main or "", None)
    now = time.time()
    with channel.conn_or_acquire() as client:
        for queue in queues(app)[:MAX_QUEUES]:
            labels = {"task.system": "celery", "queue": queue}
            depth, ages = 0, []
            # A queue is a list for each step of its priorities.
            for step in channel.priority_steps:
                key = channel._q_for_pri(queue, step)
                waiting = client.llen(key)
                depth += waiting
                if waiting:
                    ages.append(age_of(client.lindex(key, -1), now))
            known = [age for age in ages if age is not None]
            # 0 too: a rule must see that a queue is empty, or it would fire for ever.
            recording.gauge("spotter.task.queue.depth", depth, labels)
            if known or not depth:
                oldest = max(known, default=0.0)
                recording.gauge("spotter.task.queue.oldest", oldest, labels)


def queues(app: Any) -> list[str]:
    """The queues that an app names: its own, its default, those it routes to."""
    found = {str(name) for name in app.amqp.queues}
    found.update(routed(app.conf.task_routes))
    return sorted(found)


def routed(routes: Any) -> Iterator[str]:
    """The queues of `task_routes`, however it is written; a function tells none."""
    if isinstance(routes, Mapping):
        routes = list(routes.items())
    for route in routes if isinstance(routes, list | tuple) else ():
        if isinstance(route, Mapping):
            yield from routed(route)
            continue
        to = route[-1] if isinstance(route, list | tuple) and route else None
        queue = to.get("queue") if isinstance(to, Mapping) else to
        if isinstance(queue, str):
            yield queue


def age_of(message: bytes | None, now: float) -> float | None:
    """
    How long a message has waited; None when its sender does not run Spotter.

    Only its headers are read: what the task was called with is nobody's business.
    """
    try:
        headers = json.loads(message or b"{}")["headers"]
        return waited(headers[PUBLISHED_AT], headers.get("eta"), now)
    except (ValueError, KeyError, TypeError):
        return None


def waited(published_at: Any, eta: Any, now: float) -> float:
    """
    Seconds since a task could have begun.

    One that was not to begin before an instant has not waited until then.
    """
    since = float(published_at)
    if isinstance(eta, str):
        at = datetime.datetime.fromisoformat(eta)
        since = max(since, at.replace(tzinfo=at.tzinfo or datetime.UTC).timestamp())
    return max(0.0, now - since)


def complain(app: Any, error: Exception) -> None:
    """Say that the broker does not answer, once an hour while it does not."""
    now, name = time.monotonic(), app.main or ""
    if now >= _quiet_until.get(name, float("-inf")):
        _quiet_until[name] = now + COMPLAIN_SECONDS
        logger.warning(
            "the broker of the Celery app %r does not answer (%s): how many tasks wait "
            "is unknown until it does",
            name,
            type(error).__name__,
        )
