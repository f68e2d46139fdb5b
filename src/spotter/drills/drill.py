"""One drill of one rule: from the fault to every receiver, and back."""

from __future__ import annotations

import dataclasses
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Protocol

from spotter.alerts.book import Book
from spotter.alerts.engine import Engine, Place
from spotter.alerts.expressions import Computed, Reading, Reads
from spotter.alerts.machine import Truth
from spotter.alerts.outbox import Outbox
from spotter.alerts.records import PENDING, SENT, SUPPRESSED, Delivery
from spotter.alerts.rules import Rule, written
from spotter.channels import Channel
from spotter.exceptions import SpotterError
from spotter.stores.contract import StoreError
from spotter.stores.sqlite import MEMORY, SqliteStore

#: How often what waits to be sent is looked at.
DELIVER_SECONDS = 0.2


class Undrillable(SpotterError):  # noqa: N818 (a finding)
    """The fault can't be made; the text says why and what to do."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One leg of the way: after so many seconds, and how it went."""

    name: str
    after: float
    text: str = ""
    ok: bool = True


class World(Protocol):
    """
    Where a drill takes place, and whose time passes there.

    Args:
        rule: what is evaluated there.
        how: what is done, in words.
        form: "real", "injected" (a reading that the recorder is told) or "simulated".
        source: what the rule reads.
        patience: the longest that it may take to fire, or to resolve.
        delivery_seconds: how long a message may take to arrive.
    """

    @property
    def rule(self) -> Rule: ...
    @property
    def how(self) -> str: ...
    @property
    def form(self) -> str: ...
    @property
    def source(self) -> Reads: ...
    @property
    def patience(self) -> float: ...
    @property
    def delivery_seconds(self) -> float: ...
    @property
    def now(self) -> float: ...
    def inject(self, bad: bool) -> None: ...
    def let_time_pass(self) -> None: ...
    def hurry(self) -> None: ...
    def close(self) -> None: ...


class Drill:
    """
    One drill; `run` gives each stage as it is reached.

    It has a book of its own, so that nothing of it is in anybody's incidents, and its
    receivers know it by a key that no other incident has.
    """

    def __init__(self, world: World, channels: Sequence[Channel], place: Place) -> None:
        # What explains it in earnest does not fire here.
        self.rule = dataclasses.replace(world.rule, because_of=(), every=0.0)
        self.world = world
        self.channels = channels
        self.began = world.now
        self.store = SqliteStore(MEMORY, lambda: world.now)
        self.book = Book(self.store)
        here = dataclasses.replace(place, is_drill=True, drill=uuid.uuid4().hex[:8])
        self.engine = Engine([self.rule], channels, here)
        self.outbox = Outbox(channels)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End it soon: whoever was told of a beginning is told of the end."""
        self._stopping.set()
        self.world.hurry()

    def run(self) -> Iterator[Stage]:
        """Each stage as it is reached; the first that is not ends the drill."""
        try:
            yield from self._follow()
        except (Undrillable, StoreError, OSError) as error:
            yield self._stage("broken off", str(error), ok=False)
            yield from self._call_off()
        finally:
            self.world.close()
            self.outbox.close()
            self.store.close()

    def _follow(self) -> Iterator[Stage]:
        self.world.inject(False)
        self.world.inject(True)
        yield self._stage("injected", self.world.how)
        yield from self._until_firing()
        if self.is_firing:
            yield self._routed()
            yield from self._told("trigger")
            yield from self._until_resolved()
        if self._stopping.is_set():
            yield self._stage("stopped", "before the end", ok=False)
            yield from self._call_off()

    @property
    def is_firing(self) -> bool:
        """Whether its alert fires."""
        return any(alert.is_firing for alert in self.engine.alerts.values())

    def _stage(self, name: str, text: str = "", *, ok: bool = True) -> Stage:
        return Stage(name=name, after=self.world.now - self.began, text=text, ok=ok)

    def _steps(self, *, bad: bool) -> Iterator[None]:
        """Let time pass, a step at a time, as long as there is patience."""
        started = self.world.now
        while self.world.now - started < self.world.patience:
            if self._stopping.is_set():
                return
            self.world.let_time_pass()
            self.world.inject(bad)
            yield

    def _until_firing(self) -> Iterator[Stage]:
        missing = ["measured", "pending", "firing"]
        for _ in self._steps(bad=True):
            if "measured" in missing and (text := self._measured()):
                missing.remove("measured")
                yield self._stage("measured", text)
            self._evaluate()
            states = {alert.status.state for alert in self.engine.alerts.values()}
            if "pending" in missing and states & {"pending", "firing"}:
                missing.remove("pending")
                yield self._stage("pending", f"for {self.rule.for_:g} s")
            if self.is_firing:
                yield self._stage("firing", self._text())
                return
        if not self._stopping.is_set():
            why = f"not within {self.world.patience:.0f} s{self._why_not()}"
            yield self._stage(missing[0], why, ok=False)
            yield from self._call_off()

    def _until_resolved(self) -> Iterator[Stage]:
        for _ in self._steps(bad=False):
            self._evaluate()
            if not self.is_firing:
                yield self._stage("resolved")
                yield from self._told("resolve")
                return
        if not self._stopping.is_set():
            why = f"not within {self.world.patience:.0f} s: {self._text()}"
            yield self._stage("resolved", why, ok=False)
            yield from self._call_off()

    def _measured(self) -> str:
        """What was read, once the condition is seen to hold; "" before."""
        for reading in self.rule.expression.read(self.world.source, self.world.now):
            if self.rule.judge(reading, is_firing=False) is Truth.TRUE:
                return reading.note or written(reading.value, self.rule.unit)
        return ""

    def _text(self) -> str:
        return next((a.text for a in self.engine.alerts.values() if a.text), "")

    def _why_not(self) -> str:
        reasons = [a.reason for a in self.engine.alerts.values() if a.reason]
        return f": {reasons[0]}" if reasons else ""

    def _evaluate(self) -> None:
        alerts = self.engine.evaluate(self.world.source, self.world.now)
        with self.book.writing() as page:
            self.engine.write(page, alerts, self.world.now)
        self.engine.accept()

    def _call_off(self) -> Iterator[Stage]:
        """Resolve what was opened at receivers, whatever the source still says."""
        if not self.is_firing:
            return

        def over(source: Reads, now: float) -> list[Reading]:
            own = self.rule.labels
            return [
                Reading(labels={k: v for k, v in a.labels.items() if k not in own}, value=0.0)
                for a in self.engine.alerts.values()
            ]  # fmt: skip

        calm = dataclasses.replace(
            self.rule, expression=Computed(over), threshold=1.0, clear=None,
            below=False, keep_firing_for=0.0,
        )  # fmt: skip
        self.engine.rules = {calm.name: calm}
        self._evaluate()
        yield from self._told("resolve")

    # Messages.

    def _deliveries(self) -> list[Delivery]:
        with self.book.reading() as page:
            return list(reversed(page.deliveries()))

    def _routed(self) -> Stage:
        """Which channels are told, and why the others are not."""
        words = []
        for each in self._deliveries():
            why_not = f" not: {each.reason}" if each.state == SUPPRESSED else ""
            words.append(f"{each.channel}{why_not}")
        text = "; ".join(words) or "nobody: no channel is configured"
        return self._stage("routed", text, ok=bool(words))

    def _told(self, kind: str) -> Iterator[Stage]:
        """Send, and say of each channel what became of it."""
        started = self.world.now
        self.outbox.deliver(self.book, self.world.now)
        while (
            any(d.state == PENDING for d in self._deliveries())
            and self.world.now - started < self.world.delivery_seconds
            and not (self._stopping.is_set() and kind == "trigger")
        ):
            # Who stops the drill does not stop the end from being told.
            time.sleep(DELIVER_SECONDS)
            self.outbox.deliver(self.book, self.world.now)
        found = self._deliveries()
        for channel in self.channels:
            mine = [d for d in found if d.channel == channel.name]
            yield from self._told_by(channel, mine, kind)

    def _told_by(
        self, channel: Channel, mine: Sequence[Delivery], kind: str
    ) -> Iterator[Stage]:
        name = f"{kind} to {channel.name}"
        sent = [d for d in mine if d.kind == kind]
        if sent:
            last = sent[-1]
            text = last.error or last.state + because(last)
            yield self._stage(name, text, ok=last.state in (SENT, SUPPRESSED))
        elif kind in channel.kinds and any(d.state == SENT for d in mine):
            yield self._stage(name, "was not decided", ok=False)


def because(delivery: Delivery) -> str:
    """The reason, where nothing was sent."""
    return f": {delivery.reason}" if delivery.state == SUPPRESSED else ""
