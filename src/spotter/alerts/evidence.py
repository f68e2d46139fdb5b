"""What a person at night wants to see with an alert, as it was when it fired."""

from __future__ import annotations

from collections.abc import Iterator

from spotter.alerts.expressions import Reads, ask
from spotter.alerts.shipped import REQUESTS, ROUTE, STATUS
from spotter.channels.notice import clock

WINDOW = 300.0


def gather(source: Reads, now: float) -> list[tuple[str, str]]:
    """Names and texts: routes that fail, exceptions, slow routes, requests, deploys."""
    return list(pieces(source, now))


def pieces(source: Reads, now: float) -> Iterator[tuple[str, str]]:
    """Each piece there is anything to say of."""
    found = ask(source, REQUESTS, now, WINDOW, by=(ROUTE, STATUS))
    total = sum(point.count for point in found.values())
    yield "Requests in 5 min", f"{total:,.0f}"
    failed = {g: p for g, p in found.items() if g[1].startswith("5")}
    worst = sorted(failed.items(), key=lambda item: -item[1].count)[:3]
    if worst:
        text = ", ".join(f"{p.count:,.0f}x {s} {route}" for (route, s), p in worst)
        yield "Failing routes", text
    by = (ROUTE, "error.type")
    errors = ask(source, "spotter.http.server.exceptions", now, WINDOW, by=by)
    if errors:
        top = sorted(errors.items(), key=lambda item: -item[1].sum)[:3]
        yield "Exceptions", ", ".join(f"{p.sum:,.0f}x {g[1]}" for g, p in top)
    slow = sorted(found.items(), key=lambda item: -item[1].sum)[:3]
    if slow and total:
        text = ", ".join(f"{route} {p.mean:.2f} s" for (route, _), p in slow)
        yield "Most time", text
    samples = source.samples("request", since=now - WINDOW, limit=20)
    ids = [
        str(s.body.get("request_id", "")) for s in samples if s.body.get("request_id")
    ]
    if ids:
        yield "Request ids", ", ".join(ids[:5])
    deploys = source.samples("deploy", since=now - 86400, limit=1)
    if deploys:
        yield "Last deploy", f"{deploys[0].key} at {clock(deploys[0].at)}"
