"""The app and its tasks, each of which ends in its own way."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from celery import Celery
from django.db import connection


def make_app(broker: str) -> Celery:
    """An app over a broker, with every task."""
    made = Celery("celery_project", broker=broker, set_as_current=False)
    made.conf.broker_connection_retry_on_startup = True
    made.conf.worker_hijack_root_logger = False
    made.conf.task_routes = {"letters.*": {"queue": "letters"}}
    for plain in (work, fail, nap, die):
        made.task(name=f"shop.{plain.__name__}")(plain)
    for bound in (come_back, give_up):
        made.task(name=f"shop.{bound.__name__}", bind=True)(bound)
    made.task(name="letters.write")(work)
    return made


def work(secret: str = "") -> str:
    """Ask the database something."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return secret


def fail(secret: str) -> None:
    """Raise with what it was called with."""
    raise LookupError(secret)


def come_back(self: Any, secret: str) -> str:
    """Fail once, succeed at the second attempt."""
    if self.request.retries == 0:
        raise self.retry(exc=ConnectionError(secret), countdown=0)
    return secret


def give_up(self: Any) -> None:
    """Fail at each of two attempts."""
    raise self.retry(exc=ConnectionError("again"), countdown=0, max_retries=1)


def nap(seconds: float) -> None:
    """Take long."""
    time.sleep(seconds)


def die() -> None:
    """End as a process does that the kernel kills for memory."""
    time.sleep(1.0)  # more than a flush
    os.kill(os.getpid(), signal.SIGKILL)


if "SPOTTER_BROKER" in os.environ:
    app = make_app(os.environ["SPOTTER_BROKER"])
    app.set_current()
    app.set_default()
