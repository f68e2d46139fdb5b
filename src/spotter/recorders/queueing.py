"""How long a request waited before the application saw it, by its proxy's word."""

from __future__ import annotations

import re

# nginx writes `t=1700000000.123` (seconds), Heroku 1700000000123 (milliseconds),
# Apache `t=1700000000123456` (microseconds).
START = re.compile(r"(?:t=)?(\d{10,19}(?:\.\d{1,9})?)")
#: Above this the clocks disagree or somebody made the header up.
MAX_SECONDS = 300.0


def queue_seconds(header: str | None, arrived_at: float) -> float | None:
    """Give the wait between `X-Request-Start` and arrival; None when it is not known."""
    found = START.fullmatch(header.strip()) if header and len(header) < 64 else None
    if found is None:
        return None
    value = float(found[1])
    for scale in (1.0, 1e3, 1e6, 1e9):
        waited = arrived_at - value / scale
        if -1.0 <= waited <= MAX_SECONDS:
            return max(0.0, waited)
    return None
