"""Whether a share has really risen, or may be chance: pure."""

from __future__ import annotations

import math

#: A risk of one in ten thousand: some hundred routes and statements are compared in
#: every evaluation, and each false alarm costs trust.
RISK = 1e-4


def has_risen(now: int, of_now: int, before: int, of_before: int) -> bool:
    """
    Whether `now` of `of_now` is more than `before` of `of_before` lets expect.

    Chernoff's bound of the binomial tail, which errs on the side of silence. What was
    seen never before is taken to be as likely as one in as many as were looked at, so
    that twenty good requests do not prove that none is ever bad.
    """
    if not of_now:
        return False
    expected = (before + 1) / (of_before + 2)
    share = now / of_now
    return share > expected and of_now * divergence(share, expected) >= -math.log(RISK)


def divergence(share: float, expected: float) -> float:
    """How far one share is from another, after Kullback and Leibler, in nats."""
    rest = 0.0 if share >= 1 else (1 - share) * math.log((1 - share) / (1 - expected))
    return share * math.log(share / expected) + rest
