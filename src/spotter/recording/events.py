"""Count what the project's own signals tell: bookings, payments, whatever matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.dispatch import Signal

from spotter.recording import buffer
from spotter.rescue import rescue

Labels = Callable[..., Mapping[str, object]]


def count_signal(
    name: str,
    signal: Signal,
    labels: Labels | None = None,
    *,
    known: Sequence[Mapping[str, object]] = (),
) -> None:
    """
    Count a signal each time that it is sent, from 0 on.

    Args:
        name: of the counter, as `shop.orders.placed`.
        labels: called with what the signal was sent with; keep the values few.
        known: labels that are counted from 0 on, as `[{"paid": "cash"}]`; others are
            there from their first event on. Without `labels` the counter is known.
    """
    from_start = list(known) if labels else [{}]

    def receive(**sent: Any) -> None:
        with rescue(f"count {name}"):
            buffer.count(name, labels(**sent) if labels else {})

    # Not weak: nobody else holds the function.
    signal.connect(receive, weak=False, dispatch_uid=f"spotter {name}")

    def begin() -> None:
        for each in from_start:
            buffer.count(name, each, amount=0)

    # Known before its first event, or a burst that creates it would be no change.
    buffer.sampler(begin, every_seconds=3600)
