"""The one scrubber: what no log file, event or page may hold is taken out here."""

from __future__ import annotations

from spotter.privacy.allowance import CATEGORIES
from spotter.privacy.deep import scrub
from spotter.privacy.keys import is_secret_key
from spotter.privacy.text import has_secret, scrub_text
from spotter.privacy.values import FILTERED

__all__ = [
    "CATEGORIES",
    "FILTERED",
    "has_secret",
    "is_secret_key",
    "scrub",
    "scrub_text",
]
