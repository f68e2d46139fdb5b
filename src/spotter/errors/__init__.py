"""Errors and traces through `sentry_sdk`, set up by the environment and scrubbed."""

from __future__ import annotations

from spotter.errors.light import begin, capture, end
from spotter.errors.setup import install
from spotter.errors.user import remember

__all__ = ["begin", "capture", "end", "install", "remember"]
