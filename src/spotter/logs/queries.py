"""Say how long each query took and which line of the project asked for it."""

from __future__ import annotations

import logging


class QueryFilter(logging.Filter):
    """Let records of `django.db.backends` pass."""
