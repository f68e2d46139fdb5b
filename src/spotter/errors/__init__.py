"""Errors and traces through `sentry_sdk`."""

from __future__ import annotations


def install() -> None:
    """Start `sentry_sdk` as the environment says."""
