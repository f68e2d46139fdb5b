"""The public status page: what users are told, from a snapshot, without a log-in."""

from __future__ import annotations

from spotter.statuspage.page import StatusPage

__all__ = ["StatusPage"]
