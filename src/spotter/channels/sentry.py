"""An event in Sentry for each incident, and check-ins that tell that the watcher lives."""

from __future__ import annotations

import dataclasses
import datetime
import os
import uuid
from collections.abc import Mapping
from typing import Any

import sentry_sdk
from sentry_sdk.consts import VERSION
from sentry_sdk.envelope import Envelope, Item, PayloadRef
from sentry_sdk.utils import Dsn

from spotter.channels import http
from spotter.channels.channel import Channel, DeliveryError
from spotter.channels.notice import Kind, Notice
from spotter.privacy import scrub

LEVELS = {"critical": "fatal", "warning": "warning", "info": "info"}
#: https://docs.sentry.io/product/crons/getting-started/http/: in minutes.
SCHEDULE = {
    "schedule": {"type": "interval", "value": 1, "unit": "minute"},
    # A restart with its lease of 15 s must not be an issue.
    "checkin_margin": 2,
    "max_runtime": 1,
    "failure_issue_threshold": 1,
    "recovery_threshold": 1,
    "timezone": "UTC",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sentry(Channel):
    """
    Repeated incidents of one alert are events of one issue; people resolve it.

    The SDK tells nobody whether Sentry took an event, so that the envelope is posted
    here and the answer read.

    Args:
        dsn: where to; the SDK's, or SENTRY_DSN, when empty.
        monitor: the slug of the cron monitor that the watcher checks in to once a
            minute, made by the first check-in; "" for none.
    """

    name: str = "sentry"
    dsn: str = dataclasses.field(default="", repr=False)
    monitor: str = "spotter-watcher"
    kinds = frozenset({Kind.TRIGGER, Kind.LATE})

    def send(self, notice: Notice) -> None:
        event = event_of(notice)
        self._post(
            Item(payload=PayloadRef(json=event), type="event"), event["event_id"]
        )

    def check_in(self, environment: str) -> None:
        if self.monitor:
            given = check_in_of(self.monitor, environment)
            self._post(Item(payload=PayloadRef(json=given), type="check_in"))

    def _post(self, item: Item, event_id: str = "") -> None:
        auth = self._dsn().to_auth(f"spotter/{VERSION}")
        sent_at = datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")
        ids = {"event_id": event_id} if event_id else {}
        envelope = Envelope(headers={**ids, "sent_at": sent_at}, items=[item])
        kind = "monitor" if item.type == "check_in" else "error"
        http.post(
            auth.get_api_url(),
            envelope.serialize(),
            headers={
                "Content-Type": "application/x-sentry-envelope",
                "X-Sentry-Auth": auth.to_header(),
            },
            wait=lambda headers: limit_of(headers.get("X-Sentry-Rate-Limits"), kind),
        )

    def _dsn(self) -> Dsn:
        given = self.dsn or sentry_sdk.get_client().dsn or os.environ.get("SENTRY_DSN")
        if not given:
            raise DeliveryError("SENTRY_DSN is not set", permanent=True)
        try:
            return Dsn(given)
        except ValueError as error:
            raise DeliveryError("SENTRY_DSN is no DSN", permanent=True) from error

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        is_set = self.dsn or environment.get("SENTRY_DSN")
        return [] if is_set else ["SENTRY_DSN is not set"]


def event_of(notice: Notice) -> dict[str, Any]:
    """The event's payload; one that is sent twice has one id, and Sentry drops it."""
    which = f"{notice.dedup_key}{notice.incident}{notice.kind}{notice.at}"
    evidence: Any = scrub({"lines": list(notice.lines), **dict(notice.evidence)})
    return {
        "event_id": uuid.uuid5(uuid.NAMESPACE_OID, which).hex,
        "timestamp": notice.at,
        "platform": "python",
        "logentry": {"formatted": notice.headline},
        "level": LEVELS.get(notice.severity, "error"),
        "logger": "spotter.alerts",
        "fingerprint": ["spotter", notice.dedup_key],
        "tags": {
            "spotter.incident": str(notice.incident),
            "severity": notice.severity,
            "drill": "yes" if notice.is_drill else "no",
        },
        "contexts": {"alert": evidence, "links": dict(notice.links)},
        **place(notice.environment),
    }


def check_in_of(monitor: str, environment: str) -> dict[str, Any]:
    """The payload of a check-in, which makes or changes the monitor too."""
    return {
        "check_in_id": uuid.uuid4().hex,
        "monitor_slug": monitor,
        "status": "ok",
        "monitor_config": SCHEDULE,
        **place(environment),
    }


def place(environment: str) -> dict[str, str]:
    """Environment and release, where they are known."""
    options = sentry_sdk.get_client().options
    found = {
        "environment": environment or options.get("environment"),
        "release": options.get("release"),
    }
    return {name: str(value) for name, value in found.items() if value}


def limit_of(header: str | None, kind: str) -> float | None:
    """
    Seconds that `X-Sentry-Rate-Limits` asks to wait with this kind of item.

    https://develop.sentry.dev/sdk/expected-features/rate-limiting/: limits with a comma
    between them, each `seconds:categories:scope`, no category for all.
    """
    waits = []
    for limit in (header or "").split(","):
        seconds, _, rest = limit.strip().partition(":")
        categories = [each for each in rest.partition(":")[0].split(";") if each]
        if (
            seconds.isascii()
            and seconds.isdigit()
            and (not categories or kind in categories)
        ):
            waits.append(min(float(seconds), http.MAX_WAIT_SECONDS))
    return max(waits, default=None)
