"""What the store knows already, for recorders that tell only what is new."""

from __future__ import annotations

from spotter.stores.contract import StoreError
from spotter.stores.current import get_store


def latest_key(kind: str) -> str:
    """The key of the latest sample of a kind; "" when there is none to be had."""
    try:
        found = get_store().samples(kind, limit=1)
    except StoreError:
        return ""
    return found[0].key if found else ""
