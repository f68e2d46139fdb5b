"""An issue in Sentry for each incident: repeated notices are one issue's events."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import sentry_sdk

from spotter.channels.channel import Channel, DeliveryError
from spotter.channels.notice import Kind, Notice

LEVELS = {"critical": "fatal", "warning": "warning", "info": "info"}
FLUSH_SECONDS = 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sentry(Channel):
    """
    Through the SDK, which says nothing of whether Sentry took the event.

    Nothing is resolved: in Sentry people do that.
    """

    name: str = "sentry"
    kinds = frozenset({Kind.TRIGGER, Kind.UPDATE, Kind.LATE})

    def send(self, notice: Notice) -> None:
        client = sentry_sdk.get_client()
        if not client.is_active() or not client.dsn:
            raise DeliveryError("SENTRY_DSN is not set", permanent=True)
        event: Any = {
            "message": notice.headline,
            "level": LEVELS.get(notice.severity, "error"),
            "logger": "spotter.alerts",
            "fingerprint": ["spotter", notice.dedup_key],
            "tags": {
                "spotter.incident": str(notice.incident),
                "severity": notice.severity,
                **({"drill": "true"} if notice.is_drill else {}),
            },
            "contexts": {
                "alert": {"lines": list(notice.lines), **dict(notice.evidence)}
            },
        }
        with sentry_sdk.new_scope():
            if sentry_sdk.capture_event(event) is None:
                raise DeliveryError("the SDK dropped the event")
        client.flush(timeout=FLUSH_SECONDS)

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        return [] if environment.get("SENTRY_DSN") else ["SENTRY_DSN is not set"]
