"""Evidence from the database: the statements that take the time."""

from __future__ import annotations

from collections.abc import Iterator

from spotter.alerts.evidence.piece import Piece, seconds, share
from spotter.alerts.evidence.scene import Scene
from spotter.entries import Point
from spotter.stores.contract import OTHER

DURATION, FINGERPRINT = "spotter.db.statement.duration", "db.query.fingerprint"
STATEMENTS = 5
#: Texts are kept as samples, which are rarer than calls.
TEXT_SECONDS = 30 * 86400.0


def costly_statements(scene: Scene) -> Iterator[Piece]:
    """Those with most of the database's time, or the one that the alert is about."""
    found: dict[str, Point] = scene.totals(DURATION, FINGERPRINT)
    total = sum(point.sum for point in found.values())
    wanted = scene.label("fingerprint", FINGERPRINT)
    ranked = sorted(found.items(), key=lambda f: (f[0] != wanted, -f[1].sum))
    for key, point in ranked[: 1 if wanted else STATEMENTS]:
        told = (
            f"{share(point.sum, total)} of the database's time, {point.count:,.0f} "
            f"calls, {seconds(point.mean)} on average: {text_of(scene, key)}"
        )
        yield Piece(
            kind="statement",
            name="Statements",
            text=told,
            page="queries/statement",
            asked={"fingerprint": key},
        )


def text_of(scene: Scene, key: str) -> str:
    """The statement without its values; its fingerprint where no text was kept."""
    since = scene.now - TEXT_SECONDS
    for sample in scene.samples("statement", since, key=key, limit=1):
        return str(sample.body.get("text", ""))
    if key == OTHER:
        return "statements that came once, or too many to tell apart"
    return f"statement {key}"
