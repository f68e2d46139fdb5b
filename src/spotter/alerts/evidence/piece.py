"""One piece of evidence: what it says, and the page of the dashboard it leads to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spotter.privacy import scrub_text

MAX_TEXT = 400
#: Kept with one incident, whatever joins it.
MAX_PIECES = 60
#: What one message says of pieces of the same name, and of how many names.
MAX_TOLD, MAX_NAMES = 600, 9
#: In an incident but not in a message: too long, and one tap away.
NOT_TOLD = frozenset({"line"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """
    One line of evidence.

    Args:
        kind: "route", "statement", "error", "request", "line", "reading", "deploy"
            or "trouble", when it could not be gathered.
        name: what several of a kind are listed under.
        page, asked: the page of the dashboard and what its address asks for; the
            incident's period is added where it is shown.
        request_id: the request whose log lines belong to it.
    """

    kind: str
    name: str
    text: str
    page: str = ""
    asked: Mapping[str, str] = dataclasses.field(default_factory=dict)
    request_id: str = ""

    def bounded(self) -> Piece:
        """As it is kept, scrubbed: others will read it for two years."""
        text = " ".join(scrub_text(self.text[: 4 * MAX_TEXT]).split())
        return dataclasses.replace(
            self,
            text=text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…",
            asked={name: value[:MAX_TEXT] for name, value in self.asked.items()},
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)


def pieces_of(kept: Iterable[Mapping[str, Any]]) -> list[Piece]:
    """From JSON."""
    return [Piece(**each) for each in kept]


def told(pieces: Sequence[Piece]) -> list[tuple[str, str]]:
    """Names and texts for a message."""
    found: dict[str, list[str]] = {}
    for piece in pieces:
        if piece.kind not in NOT_TOLD:
            found.setdefault(piece.name, []).append(piece.text)
    return [
        (name, short("; ".join(texts)))
        for name, texts in list(found.items())[:MAX_NAMES]
    ]


def short(text: str) -> str:
    """At most what a message has room for."""
    return text if len(text) <= MAX_TOLD else f"{text[: MAX_TOLD - 1]}…"


def seconds(value: float) -> str:
    """A duration as people write it."""
    if value < 1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 120 else f"{value / 60:.3g} min"


def size(value: float) -> str:
    """Bytes as people write them."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent."""
    return f"{100 * part / whole:.3g} %" if whole else "0 %"
