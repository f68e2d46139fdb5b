"""What a person at night wants to see with an alert, as it was when it fired."""

from __future__ import annotations

from spotter.alerts.evidence.gathering import gather
from spotter.alerts.evidence.keeping import keep, kept
from spotter.alerts.evidence.piece import Piece, told

__all__ = ["Piece", "gather", "keep", "kept", "told"]
