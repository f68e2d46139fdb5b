"""What Spotter raises, in one tree."""

from __future__ import annotations


class SpotterError(Exception):
    """Anything that Spotter says is wrong."""


class ConfigurationError(SpotterError):
    """A setting or argument cannot be used; the message says what to do."""
