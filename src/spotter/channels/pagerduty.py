"""PagerDuty's Events API v2: one incident for one, opened, acknowledged, resolved."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Mapping
from typing import Any

import orjson

from spotter.channels import http
from spotter.channels.channel import Channel, DeliveryError
from spotter.channels.notice import Kind, Notice
from spotter.channels.slack import cut

logger = logging.getLogger("spotter.alerts")

# https://developer.pagerduty.com/docs/send-alert-event
EVENTS_URL = "https://events.pagerduty.com/v2/enqueue"
SUMMARY, BODY_BYTES = 1024, 500_000
#: Each end is sent to all of them.
MOST_KEYS = 3
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
        previous_routing_keys: keys that were replaced; what was opened under one is
            acknowledged and resolved under it. PagerDuty drops what it does not know.
        url: another region's address, such as https://events.eu.pagerduty.com/v2/enqueue.
    """

    name: str = "pagerduty"
    severities: tuple[str, ...] = ("critical",)
    environments: tuple[str, ...] = ("production",)
    routing_key: str = dataclasses.field(default="", repr=False)
    previous_routing_keys: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    url: str = EVENTS_URL
    # 120 in any minute: https://developer.pagerduty.com/docs/events-api-v2-overview.
    # 60 at once and 60 more within a minute.
    rate: tuple[int, float] = (60, 60.0)
    # It reminds people by itself.
    kinds = frozenset(ACTIONS)

    def send(self, notice: Notice) -> None:
        if ACTIONS[notice.kind] != "trigger":
            self._send_to_previous(notice)
        self._post(notice, self.routing_key)

    def _send_to_previous(self, notice: Notice) -> None:
        for key in self.previous_routing_keys[:MOST_KEYS]:
            try:
                self._post(notice, key)
            except DeliveryError as error:
                if not error.permanent:
                    raise
                logger.info("a previous key of %s is refused: %s", self.name, error)

    def _post(self, notice: Notice, key: str) -> None:
        try:
            http.post(self.url, event(notice, key), accept=lambda s, t: s == 202)
        except DeliveryError as error:
            # With 400 as well as what is wrong with an event.
            if "routing" in str(error) and error.permanent:
                raise DeliveryError(str(error), shut=True) from error
            raise

    def problems(self, environment: Mapping[str, str]) -> list[str]:
        found = []
        if any(
            len(each) != 32 for each in (self.routing_key, *self.previous_routing_keys)
        ):
            found.append(
                "a routing key must have 32 characters: PagerDuty(routing_key=…)"
            )
        if len(self.previous_routing_keys) > MOST_KEYS:
            found.append(f"more than {MOST_KEYS} previous_routing_keys are not asked")
        return found


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
