"""What scrubbing a log line costs, and an event."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from typing import Any

from spotter.errors import hooks
from spotter.privacy import scrub, scrub_text

LINES = {
    "clean, words": "Booking confirmed and the trainer was told about it, nothing else "
    "happened here and nobody is waiting",
    "clean, numbers": "Booking 12345 of trainer 77 took 0.123 s and 4 queries, "
    "status 201, 5120 bytes, worker 3, try 1 of 5",
    "clean, fields": "booking=12345 trainer=77 duration=0.123 status=201 bytes=5120 "
    "route=/api/bookings/ method=POST worker=3 x=1",
    "dirty, e-mail": "Welcome mail sent to jane.doe@example.com by worker 3",
    "dirty, token": "GET /api/?token=abcdef&page=2 was refused with 403 for worker 3",
    "dirty, card": "Payment with 4111 1111 1111 1111 was refused by the bank, try 1",
}


def main() -> None:
    """Print microseconds per line, the best of five runs."""
    print(f"{'line':<18}{'characters':>12}{'µs':>8}")
    for name, line in LINES.items():
        print(f"{name:<18}{len(line):>12}{_microseconds(scrub_text, line):>8.2f}")
    event = _event()
    print(f"event of 20 frames {_microseconds(scrub, event, 20):.0f} µs")
    crumb = {"message": LINES["clean, words"], "category": "auth", "level": "info"}
    cost = _microseconds(lambda c: hooks.clean_breadcrumb(c, {}), crumb)
    print(f"breadcrumb {cost:.1f} µs")


def _event() -> dict[str, object]:
    names = {f"name_{number}": f"'value {number}'" for number in range(10)}
    frame = {"function": "book", "vars": names, "pre_context": [*LINES.values()]}
    return {"exception": {"values": [{"stacktrace": {"frames": [frame] * 20}}]}}


def _microseconds(
    function: Callable[[Any], Any], argument: object, number: int = 5000
) -> float:
    runs = timeit.repeat(lambda: function(argument), number=number, repeat=5)
    return min(runs) / number * 1e6


if __name__ == "__main__":
    main()
