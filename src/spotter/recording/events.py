"""Count what the project's own signals tell: bookings, payments, whatever matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.dispatch import Signal

from spotter.recording import buffer
from spotter.rescue import rescue

Labels = Callable[..., Mapping[str, object]]


def count_signal(name: str, signal: Signal, labels: Labels | None = None) -> None:
    """
    Count a signal each time that it is sent, from 0 on.

    Args:
        name: of the counter, as `shop.orders.placed`.
        labels: called with what the signal was sent with; keep the values few.
    """

    def receive(**sent: Any) -> None:
        with rescue(f"count {name}"):
            buffer.count(name, labels(**sent) if labels else {})

    # Not weak: nobody else holds the function.
    signal.connect(receive, weak=False, dispatch_uid=f"spotter {name}")
    if labels is None:
        # Known before its first event, or a burst that creates it would be no change.
        buffer.sampler(lambda: buffer.count(name, amount=0), every_seconds=3600)
