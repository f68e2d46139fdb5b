"""Application logging: `LOGGING = spotter.logs.config(...)`."""

from __future__ import annotations

from spotter.logs.files import lost_lines
from spotter.logs.layout import API_LOGGER, File, config

__all__ = ["API_LOGGER", "File", "config", "lost_lines"]
