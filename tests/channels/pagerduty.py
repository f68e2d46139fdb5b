"""PagerDuty's Events API v2 as its documentation has it, with the incidents behind it."""

from __future__ import annotations

import json
import re
import time
from typing import Any

# https://developer.pagerduty.com/docs/send-alert-event
SEVERITIES = ("critical", "error", "warning", "info")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
PER_MINUTE = 120


class PagerDutyService:
    """
    Integrations by their keys; `judge` is a receiver's.

    It accepts and drops, with 202, what it does not know: an end under another key, or
    of nothing that is open.
    """

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        #: (routing key, dedup key, "triggered" | "acknowledged" | "resolved").
        self.incidents: list[list[str]] = []
        self.refused: list[str] = []
        self.dropped: list[dict[str, Any]] = []
        self.notified = 0
        self.times: list[float] = []

    @property
    def states(self) -> list[str]:
        return [state for _, _, state in self.incidents]

    def judge(self, body: Any) -> tuple[int, dict[str, str], str]:
        """Take an event."""
        now = time.monotonic()
        self.times = [at for at in self.times if now - at < 60] + [now]
        if len(self.times) > PER_MINUTE:
            return 429, {}, '{"status": "throttle exceeded"}'
        problem = self._problem(body)
        if problem:
            self.refused.append(problem)
            errors = {"status": "invalid event", "errors": [problem]}
            return 400, {}, json.dumps(errors)
        self._apply(body)
        done = {"status": "success", "message": "Event processed"}
        return 202, {}, json.dumps({**done, "dedup_key": body.get("dedup_key", "new")})

    def _apply(self, body: dict[str, Any]) -> None:
        key, dedup_key = body["routing_key"], body.get("dedup_key", "")
        mine = [
            each for each in self.incidents
            if each[:2] == [key, dedup_key] and each[2] != "resolved" and dedup_key
        ]  # fmt: skip
        action = body["event_action"]
        if action == "trigger" and not mine:
            self.incidents.append([key, dedup_key, "triggered"])
            self.notified += 1
        elif action != "trigger" and mine:
            mine[0][2] = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
        elif not mine:
            self.dropped.append(body)

    def _problem(self, body: Any) -> str:
        if not isinstance(body, dict) or len(json.dumps(body)) > 512_000:
            return "no object, or more than 512 KB"
        if body.get("routing_key") not in self.keys:
            return "'routing_key' is invalid"
        action, dedup_key = body.get("event_action"), body.get("dedup_key", "")
        if action not in ("trigger", "acknowledge", "resolve"):
            return "'event_action' is invalid"
        if len(dedup_key) > 255 or (action != "trigger" and not dedup_key):
            return "'dedup_key' is missing or too long"
        return payload_problem(body.get("payload")) if action == "trigger" else ""


def payload_problem(payload: Any) -> str:
    """What is wrong with what happened."""
    if not isinstance(payload, dict):
        return "'payload' is missing"
    summary = payload.get("summary")
    if not isinstance(summary, str) or not 0 < len(summary) <= 1024:
        return "'payload.summary' is missing or too long"
    if not payload.get("source"):
        return "'payload.source' is missing"
    if payload.get("severity") not in SEVERITIES:
        return "'payload.severity' is invalid"
    if not INSTANT.fullmatch(payload.get("timestamp", "2026-01-01T00:00:00Z")):
        return "'payload.timestamp' is invalid"
    return ""
