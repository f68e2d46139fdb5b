"""Where evidence is kept: beside an incident and not in it, since lists need none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from spotter.alerts.book import Page
from spotter.alerts.evidence.piece import MAX_PIECES, Piece, pieces_of
from spotter.alerts.records import EVIDENCE


def kept(page: Page, incident: int) -> list[Piece]:
    """The evidence of an incident, the oldest first."""
    rows = page.run(
        "SELECT text FROM spotter_incident_events WHERE incident_id = ? AND kind = ? "
        "ORDER BY id LIMIT ?",
        (incident, EVIDENCE, MAX_PIECES),
    )
    return pieces_of([orjson.loads(row[0]) for row in rows])


def keep(
    page: Page, incident: int, at: float, found: Iterable[Piece]
) -> Sequence[Piece]:
    """Add what is new, no piece twice and not for ever; give all."""
    pieces = kept(page, incident)
    seen = {(each.kind, each.text) for each in pieces}
    for piece in (each.bounded() for each in found):
        if (piece.kind, piece.text) not in seen and len(pieces) < MAX_PIECES:
            seen.add((piece.kind, piece.text))
            pieces.append(piece)
            page.note(incident, at, EVIDENCE, orjson.dumps(piece.as_dict()).decode())
    return pieces
