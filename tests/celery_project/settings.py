"""As of a project that has just installed Spotter, with the store that a test names."""

from __future__ import annotations

import os

from tests.project.settings import *  # noqa: F403

SPOTTER = {
    "STORE": os.environ["SPOTTER_STORE"],
    "FLUSH_SECONDS": float(os.environ["SPOTTER_FLUSH"]),
}
