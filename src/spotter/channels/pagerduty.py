"""PagerDuty's Events API v2: one incident for one, opened, acknowledged, resolved."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

import orjson

from spotter.channels import http
from spotter.channels.channel import Channel
from spotter.channels.notice import Kind, Notice
from spotter.channels.slack import cut

# https://developer.pagerduty.com/docs/send-alert-event
EVENTS_URL = "https://events.pagerduty.com/v2/enqueue"
SUMMARY, BODY_BYTES = 1024, 500_000
ACTIONS = {
    Kind.TRIGGER: "trigger",
    Kind.UPDATE: "trigger",
    Kind.ACKNOWLEDGE: "acknowledge",
    Kind.RESOLVE: "resolve",
    Kind.LATE: "resolve",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PagerDuty(Channel):
    """
    For critical incidents in production, unless told otherwise.

    Args:
        routing_key: the integration key of a service, 32 characters, a secret.
        url: another region's address, such as https://events.eu.pagerduty.com/v2/enqueue.
    """

    name: str = "pagerduty"
    severities: tuple[str, ...] = ("critical",)
    environments: tuple[str, ...] = ("production",)
    routing_key: str = dataclasses.field(default="", repr=False)
    url: str = EVENTS_URL
    # It reminds people by itself.
    kinds = frozenset(ACTIONS)

    def send(self, notice: Notice) -> None:
        http.post(
            self.url, event(notice, self.routing_key), accept=lambda s, t: s == 202
        )

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        if len(self.routing_key) == 32:
            return []
        return ["its routing_key must have 32 characters: PagerDuty(routing_key=…)"]


def event(notice: Notice, routing_key: str) -> dict[str, Any]:
    """The body of one event, within the API's limits."""
    body: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": ACTIONS[notice.kind],
        "dedup_key": notice.dedup_key,
    }
    if body["event_action"] != "trigger":
        return body
    at = datetime.datetime.fromtimestamp(notice.opened_at, datetime.UTC)
    body["client"] = "Spotter"
    if notice.links:
        body["client_url"] = notice.links[0][1]
    body["links"] = [{"href": href, "text": text} for text, href in notice.links]
    body["payload"] = {
        "summary": cut(notice.headline, SUMMARY),
        "source": notice.service,
        "severity": notice.severity,
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "component": notice.service,
        "group": notice.environment,
        "custom_details": {
            "alerts": list(notice.lines),
            **{name: value[:2000] for name, value in notice.evidence},
        },
    }
    if len(orjson.dumps(body)) > BODY_BYTES:
        del body["payload"]["custom_details"]
    return body
