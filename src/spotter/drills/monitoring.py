"""Faults of monitoring itself: a process that falls silent, a receiver that refuses."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time

from spotter.alerts.book import Book
from spotter.alerts.outbox import Outbox
from spotter.alerts.records import PENDING
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.channels import Kind, Notice, Webhook
from spotter.drills.drill import Undrillable
from spotter.drills.real import Fault, Real
from spotter.drills.receivers import Receiver
from spotter.drills.simulated import WHERE
from spotter.stores.sqlite import MEMORY, SqliteStore

#: How long a process may take to start on a machine that is busy.
START_SECONDS = 90.0


CHILD = """
import sys, time
sys.path[:0] = {path!r}
import django
django.setup()
from spotter import recording
from spotter.recorders.host import processes
from spotter.stores.current import get_store
while True:
    get_store().write(recording.captured({drill!r}, processes.read))
    time.sleep(2)
"""


class SilentProcess(Fault):
    """A process that measures itself, killed; then another one."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.child: subprocess.Popen[bytes] | None = None
        self.how = "a process that measured itself, ended by SIGKILL"

    def _start(self, drill: str) -> None:
        code = CHILD.format(path=sys.path, drill=drill)
        self.child = subprocess.Popen(  # noqa: S603 (our own words)
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def inject(self, world: Real, bad: bool) -> None:
        if not bad:
            if self.child is None:
                self._start(world.drill)
        elif self.child is not None:
            # It has to have measured something before it can fall silent.
            deadline = time.monotonic() + START_SECONDS
            while not self.rule.expression.read(world.source, world.now):
                if time.monotonic() > deadline or self.child.poll() is not None:
                    raise Undrillable("the process did not begin to measure")
                time.sleep(0.2)
            self.close()

    def close(self) -> None:
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None


class DeadReceiver(Fault):
    """A webhook whose receiver answers 500, tried again and again; then 200."""

    def __init__(self, rule: Rule) -> None:
        self.store = SqliteStore(MEMORY)
        self.book = Book(self.store)
        found = {each.name: each for each in shipped(lambda: self.book)}
        self.rule = dataclasses.replace(found[rule.name], severity=rule.severity)
        self.receiver = Receiver(status=500)
        self.outbox = Outbox([Webhook(name=WHERE, url=self.receiver.url)])
        self.how = "a webhook whose receiver answers 500"
        self._is_written = False

    def inject(self, world: Real, bad: bool) -> None:
        if not bad and not self._is_written:
            return
        if not self._is_written:
            self._is_written = True
            with self.book.writing() as page:
                page.decide(
                    "0:drill:trigger:0", 0, WHERE, Kind.TRIGGER, state=PENDING,
                    now=world.now, reason="a drill", notice=notice(world.now).as_dict(),
                )  # fmt: skip
        self.receiver.status = 500 if bad else 200
        self.outbox.deliver(self.book, world.now)

    def close(self) -> None:
        self.outbox.close()
        self.receiver.close()
        self.store.close()


def notice(now: float) -> Notice:
    """What the dead receiver is sent."""
    return Notice(
        kind=Kind.TRIGGER, incident=0, dedup_key="drill", title="nothing is broken",
        severity="info", service="", environment="", opened_at=now, at=now, is_drill=True,
    )  # fmt: skip
