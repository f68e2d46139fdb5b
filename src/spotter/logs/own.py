"""What Spotter says of its own work, kept off the console."""

from __future__ import annotations

import logging


class WithoutOwnDebug(logging.Filter):
    """
    Let all pass but what Spotter logs at DEBUG: the watcher's line every few seconds.

    That is in `debug.log`, for whoever asks what Spotter does.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is the project's, or matters."""
        return record.levelno > logging.DEBUG or not record.name.startswith("spotter.")
