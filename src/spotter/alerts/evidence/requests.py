"""Evidence from requests: which routes, which exceptions, which examples."""

from __future__ import annotations

from collections.abc import Iterator

from spotter.alerts.evidence.piece import Piece, seconds, share
from spotter.alerts.evidence.scene import Scene
from spotter.alerts.shipped import REQUESTS, ROUTE, STATUS
from spotter.entries import FAILED_WEIGHT, SLOW_WEIGHT, Point, Sample

ROUTES, EXAMPLES, EXCEPTIONS = 5, 5, 5
SLOW_SECONDS = 2.0


def traffic(scene: Scene) -> Iterator[Piece]:
    """How much there was, and how much of it failed."""
    found = scene.totals(REQUESTS, STATUS)
    total = sum(p.count for p in found.values())
    failed = sum(p.count for status, p in found.items() if status.startswith("5"))
    text = (
        f"{total:,.0f} requests in {scene.minutes}, {failed:,.0f} of them failed "
        f"({share(failed, total)})"
    )
    yield Piece(kind="reading", name="Traffic", text=text, page="requests")


def failing_routes(scene: Scene) -> Iterator[Piece]:
    """Those that contribute most to the failures."""
    found: dict[tuple[str, str], Point] = scene.totals(REQUESTS, ROUTE, STATUS)
    of_route: dict[str, float] = {}
    for (route, _), point in found.items():
        of_route[route] = of_route.get(route, 0.0) + point.count
    failed = {g: p.count for g, p in found.items() if g[1].startswith("5")}
    total = sum(failed.values())
    for (route, status), count in sorted(failed.items(), key=lambda f: -f[1])[:ROUTES]:
        yield route_piece(
            "Failing routes",
            route,
            f"{route}: {count:,.0f} of {total:,.0f} failures, {status} for "
            f"{share(count, of_route[route])} of its requests",
        )


def slow_routes(scene: Scene) -> Iterator[Piece]:
    """Those with most requests over two seconds; else those that take most time."""
    found: dict[str, Point] = scene.totals(REQUESTS, ROUTE, buckets=True)
    slow = {route: p.count_above(SLOW_SECONDS) for route, p in found.items()}
    if not any(slow.values()):
        yield from busy_routes(scene)
        return
    total = sum(slow.values())
    for route, count in sorted(slow.items(), key=lambda f: -f[1])[:ROUTES]:
        if not count:
            return
        yield route_piece(
            "Slow routes",
            route,
            f"{route}: {count:,.0f} of {total:,.0f} requests over {SLOW_SECONDS:g} s, "
            f"{seconds(found[route].mean)} on average",
        )


def busy_routes(scene: Scene) -> Iterator[Piece]:
    """Those that take most of the time."""
    found: dict[str, Point] = scene.totals(REQUESTS, ROUTE)
    total = sum(point.sum for point in found.values())
    for route, point in sorted(found.items(), key=lambda f: -f[1].sum)[:ROUTES]:
        yield route_piece(
            "Routes by time",
            route,
            f"{route}: {share(point.sum, total)} of the time, {point.count:,.0f} "
            f"requests, {seconds(point.mean)} on average",
        )


def route_piece(name: str, route: str, text: str) -> Piece:
    """A piece that leads to a route's page."""
    return Piece(
        kind="route",
        name=name,
        text=text,
        page="requests/route",
        asked={"route": route},
    )


def failed_requests(scene: Scene) -> Iterator[Piece]:
    """The kept examples of requests that failed."""
    yield from examples(scene, "Failed requests", "failed", FAILED_WEIGHT)


def slow_requests(scene: Scene) -> Iterator[Piece]:
    """The kept examples of slow requests."""
    yield from examples(scene, "Slow requests", "slow", SLOW_WEIGHT)


def examples(scene: Scene, name: str, why: str, weight: float) -> Iterator[Piece]:
    """The weightiest examples of a kind, of one route no more than two."""
    latest = scene.samples("request", scene.now - scene.window, weight=weight)
    found = [sample for sample in latest if sample.body.get("why") == why]
    found.sort(key=lambda sample: -sample.weight)
    shown: dict[str, int] = {}
    for sample in found:
        shown[sample.key] = shown.get(sample.key, 0) + 1
        if shown[sample.key] <= 2 and sum(shown.values()) <= 2 * EXAMPLES:
            yield example(name, sample)


def example(name: str, sample: Sample) -> Piece:
    """A request with what it died of, and its id."""
    body = sample.body
    id_ = str(body.get("request_id", ""))
    what = f" {body['exception']}" if body.get("exception") else ""
    return Piece(
        kind="request",
        name=name,
        text=f"{body.get('status')} {body.get('method')} {sample.key}{what}, "
        f"{seconds(float(body.get('duration', 0)))}, request {id_}",
        page="requests/example",
        asked={"route": sample.key, "id": id_},
        request_id=id_,
    )
