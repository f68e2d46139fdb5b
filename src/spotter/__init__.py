"""Monitoring and logging for Django in one install."""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["__version__"]
