"""Hide Spotter from every import, then be TrainerHub's own application."""

from __future__ import annotations

import sys

# What an import finds that is not installed.
sys.modules["spotter"] = None  # type: ignore[assignment]

from trainerhub.wsgi import application  # noqa: E402, F401 (after the hiding)
