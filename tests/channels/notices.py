"""Notices for tests."""

from __future__ import annotations

from typing import Any

from spotter.channels import Kind, Notice


def notice(kind: Kind = Kind.TRIGGER, **changes: Any) -> Notice:
    """One about a usual incident."""
    given: dict[str, Any] = {
        "incident": 7,
        "dedup_key": "spotter-abc",
        "title": "3 % of requests fail",
        "severity": "critical",
        "service": "Shop",
        "environment": "production",
        "opened_at": 1_764_064_800.0,
        "at": 1_764_064_805.0,
        "lines": ("3 % of requests fail (12 of 400)",),
        "evidence": (("Failing routes", "12x 500 /pay/"),),
        "links": (("Incident", "https://shop.example/spotter/incidents/one/?id=7"),),
        "reason": "the incident opened",
    }
    return Notice(kind=kind, **{**given, **changes})
