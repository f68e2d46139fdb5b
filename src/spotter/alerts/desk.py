"""Deciding what one channel is still to be told of one incident, and why not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from spotter.alerts import book as books
from spotter.alerts.book import Alert, Delivery, Incident, Page, Silence
from spotter.channels import Channel, Kind

if TYPE_CHECKING:
    from spotter.alerts.engine import Engine


@dataclasses.dataclass(slots=True)
class Desk:
    """What one channel is still to be told of one incident."""

    engine: Engine
    page: Page
    incident: Incident
    channel: Channel
    before: list[Delivery]
    now: float
    unheard: str = ""

    def decide(self, silences: Sequence[Silence]) -> None:
        """Write down what is missing."""
        if self.incident.state == books.RESOLVED:
            self._tell_the_end()
            return
        firing = self.engine._firing(self.incident.id)
        if not firing:
            return
        why_not = self._why_not(firing, silences)
        if self._is_told():
            # What was told is followed up, whatever has been silenced since.
            self._follow_up(firing, muted=why_not)
        elif why_not:
            self._suppress(why_not)
        else:
            reason = "the incident opened"
            if self.unheard:
                reason = f"{self.unheard} could not be told"
            elif any(d.state == books.SUPPRESSED for d in self.before):
                reason = "what kept it from being sent has ended"
            self._send(Kind.TRIGGER, reason)

    def _why_not(self, firing: Sequence[Alert], silences: Sequence[Silence]) -> str:
        why_not = self.channel.why_not(
            severity=self.incident.severity,
            environment=self.engine.place.environment,
            rules=[alert.rule for alert in firing],
            now=self.now,
        )
        is_here = self.engine.place.environment in (
            self.channel.environments or [self.engine.place.environment]
        )
        if why_not and not (self.unheard and is_here):
            return why_not
        muted = {
            alert.key: silence
            for alert in firing
            for silence in silences
            if silence.mutes(alert, self.now)
        }
        if len(muted) == len(firing):
            silence = next(iter(muted.values()))
            return f"silence {silence.id} by {silence.author}: {silence.reason}"
        wait = 0.0 if self.unheard else self.channel.after_seconds
        if wait and self.incident.state == books.ACKNOWLEDGED:
            return "somebody has acknowledged it"
        if wait and self.now - self.incident.opened_at < wait:
            # A moment, not a reason: it is asked again every cycle.
            return f"it is told of what nobody acknowledges for {wait / 60:g} min"
        return ""

    def _is_told(self) -> bool:
        """Whether it was told that it fires, or is about to be, since the last end."""
        told = False
        for each in self.before:
            if each.kind == Kind.TRIGGER and each.state in (books.PENDING, books.SENT):
                told = True
            if each.kind in (Kind.RESOLVE, Kind.LATE):
                told = False
            if each.kind == Kind.TRIGGER and each.state == books.FAILED:
                told = True  # It cannot be told; the next channel is.
        return told

    def _follow_up(self, firing: Sequence[Alert], *, muted: str) -> None:
        last = [d for d in self.before if d.state in (books.PENDING, books.SENT)]
        if not last:
            return
        known = last[-1].notice.get("lines", ())
        new = [
            alert.rule
            for alert in firing
            if not self.engine.explained(alert)
            and (alert.status.fired_at or 0) > last[-1].created_at
        ]
        if self.incident.state == books.ACKNOWLEDGED:
            self._acknowledge()
        elif muted:
            return
        elif new and len(firing) > len(known):
            self._send(Kind.UPDATE, f"{', '.join(sorted(set(new)))} fires too")
        elif self.now - last[-1].created_at >= self.channel.remind_seconds:
            self._send(Kind.REMINDER, "nobody has acknowledged it")

    def _acknowledge(self) -> None:
        if not any(each.kind == Kind.ACKNOWLEDGE for each in self.before):
            who = self.incident.body.get("acknowledged_by", "somebody")
            self._send(Kind.ACKNOWLEDGE, f"{who} has acknowledged it")

    def _tell_the_end(self) -> None:
        if not self._is_told():
            return
        waiting = [each for each in self.before if each.state == books.PENDING]
        is_heard = any(
            d.state == books.SENT and d.kind == Kind.TRIGGER for d in self._since_end()
        )
        for each in waiting:
            # One that is being sent may arrive: then its end must be told too.
            if each.claimed_until <= self.now and not is_heard:
                self.page.mark(each.id, books.SUPERSEDED, self.now)
        if is_heard:
            self._send(Kind.RESOLVE, "nothing of it fires any more")
        else:
            late = "it was over before the first message could be delivered"
            self._send(Kind.LATE, late)

    def _since_end(self) -> list[Delivery]:
        found: list[Delivery] = []
        for each in self.before:
            found.append(each)
            if each.kind in (Kind.RESOLVE, Kind.LATE):
                found.clear()
        return found

    def _send(self, kind: Kind, reason: str) -> None:
        if kind not in self.channel.kinds:
            return
        notice = self.engine.notice(self.incident, kind, reason, self.now)
        self.page.decide(
            self._key(kind), self.incident.id, self.channel.name, kind,
            state=books.PENDING, now=self.now, reason=reason, notice=notice.as_dict(),
        )  # fmt: skip

    def _suppress(self, reason: str) -> None:
        if self.before and self.before[-1].reason == reason:
            return
        is_new = self.page.decide(
            self._key("suppressed"), self.incident.id, self.channel.name, Kind.TRIGGER,
            state=books.SUPPRESSED, now=self.now, reason=reason,
        )  # fmt: skip
        if is_new:
            text = f"{self.channel.name} not told: {reason}"
            self.page.note(self.incident.id, self.now, "not told", text)

    def _key(self, kind: str) -> str:
        """The same for two watchers that decide the same."""
        number = sum(each.key.split(":")[2] == kind for each in self.before)
        return f"{self.incident.id}:{self.channel.name}:{kind}:{number}"
