"""TrainerHub's settings with Spotter in a hurry, for tests that cannot wait."""

from __future__ import annotations

from trainerhub.settings import *  # noqa: F403 (a settings module)
from trainerhub.settings import SPOTTER as USUAL  # type: ignore[attr-defined]

SPOTTER = {
    **USUAL,
    "FLUSH_SECONDS": 1.0,
    "WATCH_SECONDS": 1.0,
    "PROBE_SECONDS": 2.0,
}
