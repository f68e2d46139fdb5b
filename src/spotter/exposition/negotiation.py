"""Which of several content types a client wants most."""

from __future__ import annotations

import math
from collections.abc import Sequence


def choose(accept: str, offers: Sequence[str]) -> str:
    """
    The best offer by quality; of equals the earlier one.

    Never fails: with garbage, or when nothing fits, it is the first offer, since an
    answer in the wrong form helps a probe more than a 406. Parameters other than `q`
    are passed over, as Prometheus sends many.
    """
    wanted = [parse(part) for part in accept.split(",") if part.strip()]
    best = max(offers, key=lambda offer: quality(offer, wanted))
    return best if wanted and quality(best, wanted) > 0 else offers[0]


def parse(part: str) -> tuple[str, float]:
    """A media range and its quality."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media, number(value)
    return media, 1.0


def number(text: str) -> float:
    """A quality from 0 to 1; what is none counts as 0."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0


def quality(offer: str, wanted: Sequence[tuple[str, float]]) -> float:
    """How much an offer is wanted; the most specific range decides."""
    for media in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        found = [q for name, q in wanted if name == media]
        if found:
            return max(found)
    return 0.0
