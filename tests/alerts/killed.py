"""
A real watcher in a process of its own, that kills itself at the point it is told.

    killed.py STORE URL VALUE [POINT]

It watches the file VALUE, tells the webhook URL, and at POINT sends itself SIGKILL.
"""

from __future__ import annotations

import functools
import os
import pathlib
import signal
import socket
import sys
import urllib.parse
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings

from spotter.alerts import outbox, watcher
from spotter.alerts.book import Page
from spotter.alerts.engine import Engine
from spotter.alerts.expressions import Computed, Reading
from spotter.alerts.outbox import Outbox
from spotter.alerts.rules import Rule, Severity
from spotter.channels import Webhook, http


def die(*args: Any, **kwargs: Any) -> Any:
    """No handler, no `finally`, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str) -> None:
    """Die when it is called."""
    setattr(owner, name, die)


def after(owner: Any, name: str) -> None:
    """Die when it has done its work."""
    work = getattr(owner, name)

    @functools.wraps(work)
    def works_and_dies(*args: Any, **kwargs: Any) -> Any:
        work(*args, **kwargs)
        die()

    setattr(owner, name, works_and_dies)


def half_of(url: str, data: bytes, headers: Any) -> None:
    """Send half of a request, and die."""
    place = urllib.parse.urlsplit(url)
    with socket.create_connection(
        (place.hostname or "", place.port or 80)
    ) as connection:
        head = f"POST {place.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
        connection.sendall(head.encode() + data[: len(data) // 2])
        die()


POINTS: dict[str, Callable[[], None]] = {
    "while it is decided": lambda: after(Page, "decide"),
    "after it was decided": lambda: after(Engine, "accept"),
    "before it is claimed": lambda: before(Outbox, "_claim"),
    "while it is claimed": lambda: after(Page, "claim"),
    "after it was claimed": lambda: before(Outbox, "_send"),
    "while it is sent": lambda: setattr(http, "exchange", half_of),
    "after it was received": lambda: after(http, "exchange"),
    "before it is marked": lambda: before(Outbox, "_mark"),
    "while it is marked": lambda: after(Page, "mark"),
    "after it was marked": lambda: after(Outbox, "_mark"),
}


def main(store: str, url: str, path: str, point: str = "") -> None:
    """Watch until killed."""
    settings.configure(
        SECRET_KEY="x",
        INSTALLED_APPS=["spotter"],
        SPOTTER={"STORE": store, "WATCH_SECONDS": 0.1, "ENVIRONMENT": "production"},
    )
    django.setup()
    watcher.LEAD_SECONDS, watcher.DELIVER_SECONDS = 1.0, 0.02
    outbox.FIRST_WAIT_SECONDS = 0.1
    if point:
        POINTS[point]()
    value = pathlib.Path(path)
    read = Computed(lambda source, now: [Reading(value=float(value.read_text()))])
    rule = Rule(
        name="Broken", expression=read, severity=Severity.CRITICAL, summary="broken"
    )
    made = watcher.Watcher(
        rules=[rule], channels=[Webhook(url=url, group_seconds=0.0)], monitors=[]
    )
    signal.signal(signal.SIGTERM, lambda *received: made.stop())
    made.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
