"""Deciding what one channel is still to be told of one incident, and why not."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from spotter.alerts import records
from spotter.alerts.book import DELIVERY, Page, delivery_of
from spotter.alerts.clock import has_passed
from spotter.alerts.records import Alert, Delivery, Incident, Silence
from spotter.channels import Channel, Kind

if TYPE_CHECKING:
    from spotter.alerts.engine import Engine

logger = logging.getLogger("spotter.alerts")

#: A channel that has failed and for so long is as good as dead: another is told. So is
#: one before which a beginning has waited ten minutes, for whatever reason.
UNHEARD_SECONDS, WAITED_SECONDS = 120.0, 600.0
#: What has ended is looked at for so long: who is told of its end is decided with it.
ENDED_SECONDS = 600.0
#: What tells a channel that it is over.
ENDS = (Kind.RESOLVE, Kind.LATE)


@dataclasses.dataclass(slots=True)
class Desk:
    """
    What one channel is still to be told of one incident.

    Args:
        unheard: the channel that could not be told, if this one is told instead.
        shut: why this one can be told nothing now; "" when it can.
    """

    engine: Engine
    page: Page
    incident: Incident
    channel: Channel
    before: list[Delivery]
    now: float
    unheard: str = ""
    shut: str = ""

    def decide(self, silences: Sequence[Silence]) -> None:
        """Write down what is missing."""
        if self.incident.state == records.RESOLVED:
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
        elif not self._is_gathering():
            self._send(Kind.TRIGGER, self._why())

    def _why(self) -> str:
        if self.unheard:
            return f"{self.unheard} could not be told"
        if self.channel.after_seconds:
            wait = self.channel.after_seconds / 60
            return f"nobody has acknowledged it for {wait:g} min"
        if any(d.state == records.SUPPRESSED for d in self.before):
            return "what kept it from being sent has ended"
        return "the incident opened"

    def _is_gathering(self) -> bool:
        """Whether it is so new that its cause, or what follows, may be still to come."""
        # A moment, not a reason: it is asked again every cycle. A drill is one alert.
        gathered = has_passed(
            self.incident.opened_at, self.channel.group_seconds, self.now
        )
        return not gathered and not self.engine.place.is_drill

    def _why_not(self, firing: Sequence[Alert], silences: Sequence[Silence]) -> str:
        if not self.unheard and (why_not := self._not_for_it(firing)):
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
        if wait and self.incident.state == records.ACKNOWLEDGED:
            return "somebody has acknowledged it"
        if wait and not has_passed(self.incident.reopened_at, wait, self.now):
            return f"it is told of what nobody acknowledges for {wait / 60:g} min"
        return f"it is shut: {self.shut}" if self.shut else ""

    def _not_for_it(self, firing: Sequence[Alert]) -> str:
        """What the channel itself has against it."""
        try:
            return self.channel.why_not(
                severity=self.incident.severity,
                environment=self.engine.place.environment,
                alerts=[labels_of(alert) for alert in firing],
                now=self.now,
            )
        except Exception:
            # One wrong channel must not keep the others from being told.
            logger.exception(
                "the channel %s can't say whom it is for", self.channel.name
            )
            return ""

    def _is_told(self) -> bool:
        """Whether it was told that it fires, or is about to be, since the last end."""
        # What failed for good counts: it cannot be told, the next channel is.
        states = (records.PENDING, records.SENT, records.FAILED)
        return any(
            each.kind == Kind.TRIGGER and each.state in states
            for each in since_end(self.before)
        )

    def _follow_up(self, firing: Sequence[Alert], *, muted: str) -> None:
        last = [d for d in self.before if d.state in (records.PENDING, records.SENT)]
        if not last:
            return
        known = last[-1].notice.get("lines", ())
        new = [
            alert.rule
            for alert in firing
            if not self.engine.explained(alert)
            and (alert.status.fired_at or 0) > last[-1].created_at
        ]
        if self.incident.state == records.ACKNOWLEDGED:
            self._acknowledge()
        elif muted:
            return
        elif new and len(firing) > len(known):
            self._send(Kind.UPDATE, f"{', '.join(sorted(set(new)))} fires too")
        elif self._is_time_to_remind(last[-1]):
            self._send(Kind.REMINDER, "nobody has acknowledged it")

    def _is_time_to_remind(self, last: Delivery) -> bool:
        """Whether it was told long enough ago; what waits reminds of nothing."""
        told_at = last.done_at if last.state == records.SENT else None
        return told_at is not None and self.now - told_at >= self.channel.remind_seconds

    def _acknowledge(self) -> None:
        told = since_end(self.before)
        if not any(each.kind == Kind.ACKNOWLEDGE for each in told):
            who = self.incident.body.get("acknowledged_by") or "somebody"
            self._send(Kind.ACKNOWLEDGE, f"{who} has acknowledged it")

    def _tell_the_end(self) -> None:
        if not self._is_told():
            self._tell_of_its_shortness()
            return
        waiting = [each for each in self.before if each.state == records.PENDING]
        is_heard = any(
            d.state == records.SENT and d.kind == Kind.TRIGGER
            for d in since_end(self.before)
        )
        for each in waiting:
            # One that is being sent may arrive: then its end must be told too.
            if each.claimed_until <= self.now and not is_heard:
                self.page.mark(each.id, records.SUPERSEDED, self.now)
        if is_heard:
            ending = self.incident.body.get("ending", "nothing of it fires any more")
            self._send(Kind.RESOLVE, ending)
        else:
            late = "it was over before the first message could be delivered"
            self._send(Kind.LATE, late)

    def _tell_of_its_shortness(self) -> None:
        """Write down why nobody was told of what ended while it was gathered."""
        lasted = (self.incident.resolved_at or self.now) - self.incident.opened_at
        if not self.before and lasted < self.channel.group_seconds:
            self._suppress(
                self._not_for_it([])
                or f"it was over within {self.channel.group_seconds:g} s"
            )

    def _send(self, kind: Kind, reason: str) -> None:
        if kind not in self.channel.kinds:
            return
        notice = self.engine.notice(self.incident, kind, reason, self.now)
        self.page.decide(
            self._key(kind), self.incident.id, self.channel.name, kind,
            state=records.PENDING, now=self.now, reason=reason, notice=notice.as_dict(),
        )  # fmt: skip

    def _suppress(self, reason: str) -> None:
        if self.before and self.before[-1].reason == reason:
            return
        is_new = self.page.decide(
            self._key("suppressed"), self.incident.id, self.channel.name, Kind.TRIGGER,
            state=records.SUPPRESSED, now=self.now, reason=reason,
        )  # fmt: skip
        if is_new:
            text = f"{self.channel.name}: {reason}"
            self.page.note(self.incident.id, self.now, "not told", text)

    def _key(self, kind: str) -> str:
        return next_key(self.incident.id, self.channel.name, kind, self.before)


def next_key(incident: int, channel: str, kind: str, before: Sequence[Delivery]) -> str:
    """
    The next decision's key: the same for two watchers that decide the same.

    Args:
        before: those of the incident and channel.
    """
    # A channel's name may have colons of its own.
    keys = (each.key.rsplit(":", 2) for each in before)
    last = max((int(n) for _, name, n in keys if name == kind), default=-1)
    return f"{incident}:{channel}:{kind}:{last + 1}"


def to_decide(page: Page, now: float) -> list[Incident]:
    """
    Every open incident, what has just ended, and what somebody is still to be told of.

    However many there are: one that is left out would end without a word.
    """
    found = {i.id: i for i in page.incidents(since=now - ENDED_SECONDS, limit=None)}
    waiting = page.run(
        "SELECT DISTINCT incident_id FROM spotter_outbox WHERE state = ?",
        (records.PENDING,),
    )
    others = (page.incident(id_) for (id_,) in waiting if id_ not in found)
    return [*found.values(), *(each for each in others if each is not None)]


def history(page: Page, incident: int) -> list[Delivery]:
    """
    What was decided of an incident that still says anything, the oldest first.

    Of reminders and updates that are the last one, and what waits: in a year there are
    thousands, and an incident's beginning must not fall out of sight.
    """
    rows = page.run(
        f"SELECT {DELIVERY} FROM spotter_outbox WHERE incident_id = ? AND "  # noqa: S608 (names of ours)
        "(kind NOT IN (?, ?) OR state = ? OR id IN (SELECT MAX(id) FROM spotter_outbox "
        "WHERE incident_id = ? GROUP BY channel, kind)) ORDER BY id",
        (incident, Kind.REMINDER, Kind.UPDATE, records.PENDING, incident),
    )
    return [delivery_of(row) for row in rows]


def since_end(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Those after the last end that was told, or is to be."""
    found: list[Delivery] = []
    for each in deliveries:
        found.append(each)
        if each.kind in ENDS:
            found.clear()
    return found


def labels_of(alert: Alert) -> dict[str, str]:
    """What channels and silences are matched with."""
    return {**alert.labels, "rule": alert.rule, "severity": alert.severity}


def closed(channels: Sequence[Channel], page: Page, now: float) -> dict[str, str]:
    """Why channels are shut, by their names."""
    shut = page.shut_channels()
    return {
        each.name: f"{shut[each.name].reason}; `manage.py spotter notify {each.name}` opens it"
        for each in channels
        if each.name in shut and shut[each.name].holds(each.fingerprint, now)
    }  # fmt: skip


def stand_in(
    channels: Sequence[Channel],
    sent: Mapping[str, Sequence[Delivery]],
    shut: Mapping[str, str],
    environment: str,
    now: float,
) -> tuple[str, str]:
    """
    The channel that can't be told of an incident, and the next that is told instead.

    Nobody, when somebody has been told or is about to be.
    """
    names = [each.name for each in channels]
    fates = {name: fate(sent.get(name, ()), name in shut, now) for name in names}
    dead = [name for name in names if fates[name] == "unheard"]
    if "heard" in fates.values() or not dead:
        return "", ""
    first = names.index(dead[0])
    able = [
        each.name
        for each in (*channels[first + 1 :], *channels[:first])
        if fates[each.name] != "unheard" and each.name not in shut
        and (not each.environments or environment in each.environments)
    ]  # fmt: skip
    return (dead[0], able[0]) if able else ("", "")


def fate(deliveries: Sequence[Delivery], is_shut: bool, now: float) -> str:
    """Whether a channel was "heard" of its beginning, stays "unheard", or neither."""
    found = ""
    for each in since_end(deliveries):
        if each.kind != Kind.TRIGGER:
            continue
        if each.state == records.SUPPRESSED:
            found = (
                "unheard" if is_shut and each.reason.startswith("it is shut") else ""
            )
        elif each.state != records.SUPERSEDED:
            found = "unheard" if is_lost(each, is_shut, now) else "heard"
    return found


def is_lost(trigger: Delivery, is_shut: bool, now: float) -> bool:
    """Whether a beginning does not get through, or not in time."""
    if trigger.notice.get("told"):
        return False
    if trigger.state == records.PENDING:
        enough = UNHEARD_SECONDS if trigger.error else WAITED_SECONDS
        is_stuck = has_passed(trigger.created_at, enough, now)
        return is_stuck or (is_shut and trigger.attempts > 0)
    return trigger.state == records.FAILED
