"""The bodies: the plain one, and the one of the health+json draft."""

from __future__ import annotations

import datetime
import time
from typing import Any

from spotter.conf import get_settings
from spotter.health.runner import Outcome
from spotter.privacy import scrub_text

HEALTH_JSON = "application/health+json"


def readiness(outcomes: list[Outcome]) -> str:
    """The word for all checks together."""
    if any(outcome.blocks for outcome in outcomes):
        return "not_ready"
    if any(outcome.report.status.is_bad for outcome in outcomes):
        return "degraded"
    return "ready"


def ready_body(outcomes: list[Outcome], *, with_details: bool) -> dict[str, Any]:
    """The body of `/ready/`; details are for who holds the token."""
    return {
        "status": readiness(outcomes),
        "checks": {
            outcome.check.name: {
                "status": outcome.report.status.value,
                "message": outcome.report.message,
                **(details(outcome) if with_details else {}),
            }
            for outcome in outcomes
        },
        "timestamp": time.time(),
    }


def details(outcome: Outcome) -> dict[str, Any]:
    """What the public must not see: texts of drivers, durations."""
    return {
        "critical": outcome.check.critical,
        "seconds": round(outcome.seconds, 6),
        "detail": scrub_text(outcome.report.detail),
    }


def draft_status(outcome: Outcome) -> str:
    """The draft's word: a failure that blocks nothing is a warning."""
    if not outcome.report.status.is_bad:
        return "pass"
    return "fail" if outcome.blocks else "warn"


def draft_body(outcomes: list[Outcome], *, with_details: bool) -> dict[str, Any]:
    """`/ready/` in the form of draft-inadarei-api-health-check."""
    words = [draft_status(outcome) for outcome in outcomes]
    checks: dict[str, list[dict[str, Any]]] = {}
    for outcome in outcomes:
        component, _, alias = outcome.check.name.partition(":")
        entry = draft_check(outcome, alias or component, with_details=with_details)
        checks.setdefault(f"{component}:availability", []).append(entry)
    worst = next((word for word in ("fail", "warn") if word in words), "pass")
    return {
        "status": worst,
        "description": f"readiness of {get_settings().service_name}",
        "checks": checks,
    }


def draft_check(
    outcome: Outcome, component_id: str, *, with_details: bool
) -> dict[str, Any]:
    """One entry of `checks`."""
    status = draft_status(outcome)
    at = datetime.datetime.fromtimestamp(outcome.at, datetime.UTC)
    entry: dict[str, Any] = {
        "componentId": component_id,
        "componentType": outcome.check.kind,
        "status": status,
        "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if status != "pass":  # the draft leaves it out for what passes
        entry["output"] = outcome.report.message
    if with_details:
        detail = {
            "critical": outcome.check.critical,
            "detail": details(outcome)["detail"],
        }
        entry |= {"observedValue": outcome.seconds, "observedUnit": "s", **detail}
    return entry
