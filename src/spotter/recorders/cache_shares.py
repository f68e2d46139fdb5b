"""What an operation on many keys had of each kind of key."""

from __future__ import annotations

from collections.abc import Collection, Iterable

#: Kinds that are told apart; the keys of any more are counted with the first.
MAX_SHARES = 50


def shares_of(
    keys: Iterable[object], found: Collection[object] | None = None
) -> dict[str, list[int]]:
    """
    How many keys were found and how many were not, by the beginning of the key.

    This is on the request's time, so it only cuts at the first colon: what prefix it is
    does not depend on what comes behind.

    Args:
        keys: all that the operation is for, each once.
        found: those that a lookup found; None for what is no lookup.

    Returns:
        hits and misses, by a key's text up to its first colon, or all of it.
    """
    shares: dict[str, list[int]] = {}
    for key in keys:
        head, colon, _ = str(key).partition(":")
        share = shares.get(head + colon)
        if share is None:
            if len(shares) < MAX_SHARES:
                share = shares[head + colon] = [0, 0]
            else:
                share = next(iter(shares.values()))
        if found is not None:
            share[key not in found] += 1
    return shares
