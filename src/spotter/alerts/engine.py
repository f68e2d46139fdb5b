"""One evaluation of all rules, and what follows from it: incidents and decisions."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from spotter.alerts import chronicle, records
from spotter.alerts.book import Page
from spotter.alerts.clock import has_passed
from spotter.alerts.desk import Desk, closed, history, stand_in, to_decide
from spotter.alerts.evidence import Piece
from spotter.alerts.expressions import Reading, Reads, Skips
from spotter.alerts.machine import State, Status, Truth, shifted, step
from spotter.alerts.records import Alert, Delivery, Incident
from spotter.alerts.rules import Rule, Severity, dedup_key, fingerprint
from spotter.channels import Channel, Kind, Notice
from spotter.rescue import rescue
from spotter.stores.contract import StoreError

logger = logging.getLogger("spotter.alerts")

#: An alert that fires within so long of an open incident's last change belongs to it.
TOGETHER_SECONDS = 600.0
#: One that fires again so soon after the end reopens the incident.
REOPEN_SECONDS = 600.0
#: From so many beginnings in an hour on an alert flaps, and is kept firing so long.
FLAPS, FLAP_SECONDS, CALM_SECONDS = 3, 3600.0, 600.0
#: A firing alert is let go at the earliest after so long when nothing of its rule is
#: measured any more: then it may be the measuring that is gone.
GONE_SECONDS = 3600.0
#: Why an alert has no reading although its rule could be evaluated.
UNMEASURED = "it is measured no more"
NO_DATA = "MonitoringNoData"
#: Evidence of alerts that begin to fire, by their keys.
Evidence = Callable[
    [Sequence[tuple[Rule, Alert]], float], Mapping[str, Sequence[Piece]]
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose alerts these are, and where to look at them."""

    service: str = "Django"
    environment: str = ""
    url: str = ""
    runbooks: str = ""
    is_drill: bool = False
    #: Of a drill: what its receivers tell it by from every other incident.
    drill: str = ""

    @property
    def known_as(self) -> str:
        """The service in deduplication keys; a drill must never end a real incident."""
        return (
            f"drill {self.drill} of {self.service}" if self.is_drill else self.service
        )


class Engine:
    """
    The rules of one project; one `evaluate` a cycle, one `reconcile` after it.

    The alerts are kept in memory and written with every change: with the store gone
    the engine still knows what fires.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        channels: Sequence[Channel],
        place: Place,
        evidence: Evidence = lambda begun, now: {},
    ) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self.channels = channels
        self.place = place
        self.evidence = evidence
        self.alerts: dict[str, Alert] = {}
        self._due: dict[str, float] = {}
        #: What was measured since the start, of rules whose silence is an alert.
        self._measured: set[str] = set()
        self._found: dict[str, Sequence[Piece]] = {}

    def load(self, page: Page) -> None:
        """Go on where the book stands."""
        self.alerts = page.alerts()

    def skip(self, seconds: float) -> None:
        """Let a time not count: the clock jumped, or nobody evaluated."""
        self.alerts = {
            key: dataclasses.replace(
                alert,
                status=dataclasses.replace(
                    shifted(alert.status, seconds),
                    seen_at=None if alert.status.seen_at is None else alert.status.seen_at + seconds,
                ),
            )
            for key, alert in self.alerts.items()
        }  # fmt: skip
        self._due.clear()
        for rule in self.rules.values():
            # Those that keep in mind when something was.
            if isinstance(rule.expression, Skips):
                rule.expression.skip(seconds)

    # Evaluating.

    def evaluate(self, source: Reads, now: float) -> list[Alert]:
        """Look at every rule that is due; give the alerts as they are now."""
        changed: dict[str, Alert] = {}
        for rule in self.rules.values():
            if now < self._due.get(rule.name, 0.0):
                continue
            self._due[rule.name] = now + rule.every
            for alert in self._of_rule(rule, source, now):
                changed[alert.key] = alert
        for alert in self._of_no_rule(now):
            changed[alert.key] = alert
        for alert in self._no_data(now, changed):
            changed[alert.key] = alert
        self._gather(changed, now)
        return list(changed.values())

    def _of_no_rule(self, now: float) -> Iterator[Alert]:
        """Nobody judges these any more: left alone they would fire for ever."""
        for alert in self.alerts.values():
            if alert.rule not in self.rules:
                yield ended(alert, now, "there is no such rule any more")

    def _gather(self, alerts: Mapping[str, Alert], now: float) -> None:
        """
        Freeze the evidence of what begins to fire.

        Not while it is written: inside of that transaction the store can't be read,
        and log files would hold up everybody else's writing.
        """
        begun = {k: a for k, a in alerts.items() if a.is_firing and a.incident is None}
        self._found = {k: found for k, found in self._found.items() if k in begun}
        new = [
            (self.rules[a.rule], a) for k, a in begun.items() if k not in self._found
        ]
        if new:
            with rescue("gather evidence"):
                self._found |= self.evidence(new, now)

    def _of_rule(self, rule: Rule, source: Reads, now: float) -> Iterator[Alert]:
        known = {a.key: a for a in self.alerts.values() if a.rule == rule.name}
        try:
            readings: Sequence[Reading] = rule.expression.read(source, now)
        except StoreError as error:
            readings, failed = (), f"the store can't be read: {error}"
        except Exception as error:
            logger.exception("the rule %s cannot be evaluated", rule.name)
            readings, failed = (), f"the rule fails: {type(error).__name__}"
        else:
            failed = ""
        seen = set()
        for reading in readings:
            labels = {**rule.labels, **reading.labels}
            key = fingerprint(rule.name, labels)
            seen.add(key)
            if rule.no_data_after and reading.value is not None:
                self._measured.add(key)
            fresh = Alert(
                key=key, rule=rule.name, labels=labels, severity=rule.severity
            )
            try:
                yield self._judged(rule, known.get(key, fresh), reading, now)
            except Exception as error:
                # A limit that is no number must not keep other rules from firing.
                logger.exception("the rule %s cannot be judged", rule.name)
                seen.discard(key)
                failed = f"the rule fails: {type(error).__name__}"
        is_measured = any(reading.value is not None for reading in readings)
        patience = (
            rule.stale_after if is_measured else max(rule.stale_after, GONE_SECONDS)
        )
        for key, alert in known.items():
            if key not in seen:
                gone = Reading(labels=alert.labels, reason=failed or UNMEASURED)
                yield self._gone(rule, alert, gone, now, patience)

    def _judged(self, rule: Rule, alert: Alert, reading: Reading, now: float) -> Alert:
        truth = rule.judge(reading, is_firing=alert.is_firing)
        flips = tuple(at for at in alert.flips if now - at < FLAP_SECONDS)
        keep = max(rule.keep_firing_for, CALM_SECONDS if len(flips) >= FLAPS else 0.0)
        status = step(alert.status, truth, now, for_=rule.for_, keep_firing_for=keep)
        if status.state is State.FIRING and not alert.is_firing:
            flips = (*flips, now)
        is_known = reading.value is not None
        return dataclasses.replace(
            alert,
            status=status,
            severity=rule.severity,
            flips=flips,
            value=reading.value if is_known else alert.value,
            text=rule.says(reading) if is_known and truth is Truth.TRUE else alert.text,
            reason=reading.reason,
        )

    def _gone(
        self, rule: Rule, alert: Alert, reading: Reading, now: float, patience: float
    ) -> Alert:
        """Nothing was found for labels that were there before."""
        judged = self._judged(rule, alert, reading, now)
        since = judged.status.unknown_since
        if reading.reason != UNMEASURED or since is None or self._is_missed(judged):
            return judged
        if alert.is_firing and now - since < patience:
            return judged
        return ended(judged, now, reading.reason)

    def _is_missed(self, alert: Alert) -> bool:
        """
        Whether it is well as far as anybody knew, and nobody can tell any more.

        What has not been measured since the start may be gone from the settings.
        """
        rule = self.rules.get(alert.rule)
        return (
            rule is not None
            and rule.no_data_after > 0
            and alert.status.state is State.INACTIVE
            and alert.status.unknown_since is not None
            and (alert.reason != UNMEASURED or alert.key in self._measured)
        )

    def _no_data(self, now: float, changed: Mapping[str, Alert]) -> Iterator[Alert]:
        """One alert for all rules that nobody can judge any more."""
        blind = []
        for rule in self.rules.values():
            mine = [
                a for a in {**self.alerts, **changed}.values() if a.rule == rule.name
            ]
            since = min(
                (a.status.unknown_since for a in mine if a.status.unknown_since is not None),
                default=None,
            )  # fmt: skip
            if (
                rule.no_data_after
                and since is not None
                and now - since >= rule.no_data_after
            ):
                blind.append(rule.name)
        told = self.rules.get(NO_DATA)
        if told is None or not blind:
            return
        reading = Reading(
            value=float("inf"), note=f"nobody can judge {', '.join(blind)}"
        )
        key = fingerprint(told.name, dict(told.labels))
        fresh = Alert(
            key=key, rule=told.name, labels=dict(told.labels), severity=told.severity
        )
        yield self._judged(told, self.alerts.get(key, fresh), reading, now)

    # What follows.

    def write(self, page: Page, alerts: Sequence[Alert], now: float) -> None:
        """
        Write what changed with its incidents and decisions, in the caller's transaction.

        The engine's own memory changes in `accept`, once the transaction has ended.
        """
        self._draft = {**self.alerts, **{alert.key: alert for alert in alerts}}
        self._now = now
        for alert in alerts:
            before = self.alerts.get(alert.key)
            was_firing = before is not None and before.is_firing
            if alert.is_firing and alert.incident is None and not self._waits(alert):
                alert = self._begin(page, alert, now)
            elif was_firing and not alert.is_firing:
                self._end(page, alert, now)
                alert = dataclasses.replace(alert, incident=None)
            if (
                alert.status.state is State.INACTIVE
                and not alert.flips
                and alert.reason
            ):
                self._draft.pop(alert.key, None)
                if self._is_missed(alert):
                    # Since when is kept in mind.
                    self._draft[alert.key] = alert
                if before is not None:
                    page.delete_alert(alert.key)
                continue
            self._draft[alert.key] = alert
            if (
                before is None
                or is_news(before, alert)
                or has_running_clock(alert)
                or now - (before.status.seen_at or 0) > 30
            ):
                page.save_alert(alert, now)
        self.reconcile(page, now)

    def accept(self) -> None:
        """What was written holds."""
        self.alerts = self._draft

    _draft: dict[str, Alert]
    _now: float = 0.0

    def _begin(self, page: Page, alert: Alert, now: float) -> Alert:
        incident = self._incident_for(page, alert, now)
        # Who fires now is in the draft: an incident's text needs this one too.
        alert = dataclasses.replace(alert, incident=incident.id)
        self._draft[alert.key] = alert
        page.note(incident.id, now, "firing", f"{alert.rule}: {alert.text}")
        found = self._found.get(alert.key, ())
        self._retitle(page, chronicle.counted(page, incident, alert, found, now), now)
        return alert

    def _incident_for(self, page: Page, alert: Alert, now: float) -> Incident:
        latest = page.incidents(since=now - REOPEN_SECONDS, limit=None)
        # The open ones that know it come first, then the latest.
        for incident in sorted(latest, key=lambda i: not is_open_with(i, alert)):
            if self._joins(incident, alert, now):
                return incident
            is_over = incident.state == records.RESOLVED
            if is_over and alert.key in incident.body.get("alerts", ()):
                page.note(incident.id, now, "reopened", f"{alert.rule} fires again")
                # Whoever was at it thought that it was over; so did the resolution.
                body = {**incident.body, "resolution": None, "reopened_at": now}
                body.pop("acknowledged_by", None)
                reopened = dataclasses.replace(
                    incident, state=records.OPEN, resolved_at=None, touched_at=now,
                    body=body,
                )  # fmt: skip
                page.save_incident(reopened)
                return reopened
        key = dedup_key(
            self.place.known_as, self.place.environment, alert.rule, alert.labels
        )
        body = {"title": alert.text, "alerts": []}
        incident = page.open_incident(key, alert.severity, now, body)
        page.note(incident.id, now, "opened", alert.text)
        return incident

    def _joins(self, incident: Incident, alert: Alert, now: float) -> bool:
        """
        Whether it is a part of what has already begun.

        An alert of it belongs to it however much later it fires again: the incident may
        have its key, and a second one's end would end the first for the receivers.

        Who acknowledged an incident is told of nothing more of it, so what is neither
        known of it nor explained by it is an incident of its own.
        """
        if incident.state == records.RESOLVED:
            return False
        if is_open_with(incident, alert):
            return True
        if now - incident.touched_at > TOGETHER_SECONDS:
            return False
        if incident.state == records.OPEN:
            return True
        cause = self.explained(alert)
        return any(each.rule == cause for each in self._firing(incident.id))

    def _end(self, page: Page, alert: Alert, now: float) -> None:
        self._draft[alert.key] = alert
        incident = page.incident(alert.incident) if alert.incident else None
        if incident is None:
            return
        why = f": {alert.reason}" if alert.reason else ""
        page.note(incident.id, now, "resolved", f"{alert.rule}{why}")
        if self._firing(incident.id):
            self._retitle(page, incident, now)
            return
        self._close(
            page, incident, now, alert.reason and f"{alert.rule}: {alert.reason}"
        )

    def close_orphans(self, page: Page, now: float) -> None:
        """
        End what no alert belongs to any more, after `write` in its transaction.

        An alert of an older book may have been given back over the one that fired; its
        incident would be open for ever.
        """
        for incident in page.incidents(
            (records.OPEN, records.ACKNOWLEDGED), limit=None
        ):
            if not self._firing(incident.id):
                self._close(page, incident, now)

    def _close(self, page: Page, incident: Incident, now: float, why: str = "") -> None:
        """End it; `why`, when it is not that what was wrong was seen to be well."""
        ending = why or "nothing of it fires any more"
        page.note(incident.id, now, "closed", ending)
        chronicle.end_silences(page, incident.id, now)
        page.save_incident(
            dataclasses.replace(
                incident, state=records.RESOLVED, resolved_at=now, touched_at=now,
                body={**incident.body, "ending": ending},
            )
        )  # fmt: skip

    def _retitle(self, page: Page, incident: Incident, now: float) -> None:
        """Name the incident after its cause, with the worst severity so far."""
        firing = self._firing(incident.id)
        told = [alert for alert in firing if not self.explained(alert)] or firing
        worst = max(
            told, key=lambda a: (Severity(a.severity).rank, -(a.status.fired_at or 0))
        )
        keys = sorted({*incident.body.get("alerts", ()), *(a.key for a in firing)})
        severities = [
            Severity(incident.severity),
            *(Severity(a.severity) for a in told),
        ]
        page.save_incident(
            dataclasses.replace(
                incident,
                touched_at=now,
                severity=max(severities, key=lambda s: s.rank),
                body={**incident.body, "title": worst.text, "alerts": keys},
            )
        )

    def _firing(self, incident: int) -> list[Alert]:
        return [
            a for a in self._draft.values() if a.is_firing and a.incident == incident
        ]

    def explained(self, alert: Alert) -> str:
        """
        The rule that explains it and fires, or did a moment ago; "" when none does.

        Errors of an outage are in the windows of other rules for minutes after it.
        """
        rule = self.rules.get(alert.rule)
        causes = rule.because_of if rule else ()
        fires = {a.rule for a in self._draft.values() if self._is_felt(a)}
        return next((cause for cause in causes if cause in fires), "")

    def _is_felt(self, alert: Alert) -> bool:
        over = alert.status.resolved_at
        return alert.is_firing or (
            over is not None and not has_passed(over, TOGETHER_SECONDS, self._now)
        )

    def _waits(self, alert: Alert) -> bool:
        """Whether what explains it is over: it is told if it outlives that by much."""
        cause = self.explained(alert)
        return bool(cause) and not any(
            a.rule == cause and a.is_firing for a in self._draft.values()
        )

    # Deciding who is told.

    def reconcile(self, page: Page, now: float) -> None:
        """
        Decide for every recent incident and channel what is still to be told.

        It looks at what is, not at what changed: after a crash, a silence's end or a
        new channel the same look finds what is missing.
        """
        silences = [s for s in page.silences(now) if s.starts_at <= now]
        shut = closed(self.channels, page, now)
        for incident in to_decide(page, now):
            if incident.state != records.RESOLVED:
                incident = chronicle.note_silences(
                    page, incident, self._firing(incident.id), silences, now
                )
            sent: dict[str, list[Delivery]] = {}
            for delivery in history(page, incident.id):
                sent.setdefault(delivery.channel, []).append(delivery)
            unheard, instead = stand_in(
                self.channels, sent, shut, self.place.environment, now
            )
            incident = chronicle.note_escalations(page, incident, self.channels, sent)
            for channel in self.channels:
                Desk(
                    self,
                    page,
                    incident,
                    channel,
                    sent.get(channel.name, []),
                    now,
                    unheard if channel.name == instead else "",
                    shut.get(channel.name, ""),
                ).decide(silences)

    def notice(self, incident: Incident, kind: Kind, reason: str, now: float) -> Notice:
        """What is said of an incident now."""
        firing = self._firing(incident.id)
        lines = []
        for alert in firing:
            cause = self.explained(alert)
            lines.append(f"{alert.text}{f' (because of {cause})' if cause else ''}")
        return Notice(
            kind=kind,
            incident=incident.id,
            dedup_key=incident.dedup_key,
            title=incident.title,
            severity=incident.severity,
            service=self.place.service,
            environment=self.place.environment,
            opened_at=incident.opened_at,
            resolved_at=incident.resolved_at,
            at=now,
            lines=tuple(lines),
            evidence=tuple((a, b) for a, b in incident.body.get("told", ())),
            links=tuple(self._links(incident, firing)),
            reason=reason,
            is_drill=self.place.is_drill,
        )

    def _links(
        self, incident: Incident, firing: Sequence[Alert]
    ) -> Iterator[tuple[str, str]]:
        if self.place.url:
            yield "Incident", f"{self.place.url}incidents/one/?id={incident.id}"
        for name in sorted({alert.rule for alert in firing} & self.rules.keys()):
            if address := self.rules[name].runbook_at(self.place.runbooks):
                yield f"Runbook {name}", address


def is_open_with(incident: Incident, alert: Alert) -> bool:
    """Whether an alert was a part of it before, and it is not over."""
    is_open = incident.state != records.RESOLVED
    return is_open and alert.key in incident.body.get("alerts", ())


def ended(alert: Alert, now: float, reason: str) -> Alert:
    """The same, of which there will be no reading any more."""
    over = Status(fired_at=alert.status.fired_at, resolved_at=now, seen_at=now)
    status = over if alert.is_firing else Status()
    return dataclasses.replace(alert, status=status, flips=(), reason=reason)


def has_running_clock(alert: Alert) -> bool:
    """Whether it matters until when it was watched: after a crash that is what counts."""
    return alert.status.state is State.PENDING or alert.status.false_since is not None


def is_news(before: Alert, after: Alert) -> bool:
    """Whether more changed than the moment of the last look."""
    plain: dict[str, Any] = {"seen_at": None}
    return (
        dataclasses.replace(before.status, **plain)
        != dataclasses.replace(after.status, **plain)
        or before.incident != after.incident
    )
