"""A store with a believable day of a service, for pages to show."""

from __future__ import annotations

import math
import random
import time

from spotter.entries import Batch, Sample, Series
from spotter.stores import Store
from tests.dashboard.filled_work import fill_caches, fill_tasks, task_samples

#: Routes: path, requests a minute, seconds on average, queries.
ROUTES = (
    ("/api/bookings/", 60, 0.045, 6),
    ("/api/bookings/<int:pk>/", 35, 0.022, 3),
    ("/api/trainers/<int:pk>/slots/", 25, 0.09, 9),
    ("/api/clients/", 18, 0.04, 12),
    ("/api/payments/checkout/", 4, 0.35, 8),
    ("/api/users/me/", 80, 0.008, 1),
    ("/api/bookings/summary/", 2, 0.9, 14),
)
STATEMENTS = {
    "a1b2c3d4e5f60718": 'SELECT "bookings_booking"."id", "bookings_booking"."starts_at" FROM "bookings_booking" WHERE "bookings_booking"."trainer_id" = %s ORDER BY "bookings_booking"."starts_at" ASC LIMIT %s',
    "b1b2c3d4e5f60718": 'SELECT "clients_client"."id", "clients_client"."full_name" FROM "clients_client" WHERE "clients_client"."id" = %s LIMIT %s',
    "c1b2c3d4e5f60718": 'SELECT SUM("payments_payment"."amount_minor") FROM "payments_payment" WHERE "payments_payment"."created_at" >= %s',
}
SITE = "trainerhub/bookings/selectors.py:41 upcoming"


def fill(store: Store, *, now: float | None = None, minutes: int = 90) -> None:
    """Write so many minutes up to now, with a fault in the last ten."""
    chance = random.Random(7)  # noqa: S311 (the same day each time)
    now = now or time.time()
    for minute in range(minutes, 0, -1):
        at = now - 60 * minute + 5
        batch = Batch()
        is_faulty = minute <= 10
        busy = 1 + 0.4 * math.sin(minute / 9)
        for route, rate, seconds, queries in ROUTES:
            fill_route(
                batch,
                at,
                chance,
                route,
                round(rate * busy),
                seconds,
                queries,
                is_faulty,
            )
        fill_rest(batch, at, chance, minute, is_faulty)
        fill_caches(batch, at, minute, is_faulty)
        fill_tasks(batch, at, chance, minute, is_faulty)
        if minute == 30:
            batch.samples.append(
                Sample(kind="deploy", key="2026.11.3", at=at, weight=1,
                       body={"release": "2026.11.3", "previous": "2026.11.2", "host": "web-1"})
            )  # fmt: skip
        store.write(batch)
    store.roll_up(now)
    batch = Batch()
    batch.samples += [*samples(now), *task_samples(now)]
    store.write(batch)


def fill_route(batch, at, chance, route, count, seconds, queries, is_faulty):
    """One route in one minute."""
    labels = {"http.request.method": "GET", "http.route": route}
    for _ in range(count):
        took = seconds * chance.lognormvariate(0, 0.5)
        failed = (
            is_faulty and route == "/api/payments/checkout/" and chance.random() < 0.6
        )
        status = "500" if failed else "200"
        if is_faulty and route == "/api/bookings/summary/":
            took += 2.4
        batch.point(
            Series.of(
                "http.server.request.duration",
                {**labels, "http.response.status_code": status},
            ),
            at,
        ).observe(took)
        batch.point(
            Series.of(
                "spotter.http.server.duration",
                {"http.response.status_class": status[0] + "xx"},
            ),
            at,
        ).observe(took)
        if failed:
            batch.point(
                Series.of(
                    "spotter.http.server.exceptions",
                    {"http.route": route, "error.type": "stripe.APIConnectionError"},
                ),
                at,
            ).add(1)
        only = {"http.route": route}
        batch.point(Series.of("spotter.http.server.db.queries", only), at).note(queries)
        batch.point(Series.of("spotter.http.server.db.duration", only), at).note(
            took * 0.4
        )
        batch.point(Series.of("spotter.http.server.cache.duration", only), at).note(
            took * 0.05
        )
        batch.point(Series.of("http.server.response.body.size", labels), at).note(
            4000 * chance.random()
        )
        for key in STATEMENTS:
            if chance.random() < 0.3:
                cost = 0.002 * chance.lognormvariate(0, 0.6) + (
                    0.18 if key.startswith("c") else 0
                )
                batch.point(
                    Series.of(
                        "spotter.db.statement.duration",
                        {"db.query.fingerprint": key, "db.alias": "default"},
                    ),
                    at,
                ).observe(cost)
                batch.point(
                    Series.of(
                        "db.client.operation.duration",
                        {
                            "db.system.name": "postgresql",
                            "db.alias": "default",
                            "db.operation.name": "SELECT",
                        },
                    ),
                    at,
                ).observe(cost)
                batch.point(
                    Series.of(
                        "spotter.db.statement.rows", {"db.query.fingerprint": key}
                    ),
                    at,
                ).note(20)
                batch.point(
                    Series.of(
                        "spotter.db.statement.callers",
                        {"db.query.fingerprint": key, "http.route": route},
                    ),
                    at,
                ).note(cost)
    if route == "/api/clients/":
        what = {
            "kind": "n_plus_one",
            "http.route": route,
            "db.query.fingerprint": "b1b2c3d4e5f60718",
            "code.site": SITE,
        }
        batch.point(Series.of("spotter.db.repeated", what), at).note(0.06)
        batch.point(Series.of("spotter.db.repeated.queries", what), at).note(24)


def fill_rest(batch, at, chance, minute, is_faulty):
    """Cache, hosts, processes, Spotter itself in one minute."""
    for prefix, hits in (("session", 0.97), ("slots", 0.3 if is_faulty else 0.8)):
        for result, amount in (("hit", hits), ("miss", 1 - hits)):
            labels = {
                "cache.alias": "default",
                "cache.prefix": prefix,
                "result": result,
            }
            batch.point(Series.of("spotter.cache.lookups", labels), at).add(
                round(200 * amount)
            )
    batch.point(
        Series.of(
            "spotter.cache.operation.duration",
            {"cache.alias": "default", "operation": "get"},
        ),
        at,
    ).note(0.0004)
    if minute > 40:
        # A pod that was nearly full when it went.
        gone = Series.of("system.memory.utilization", {"host.name": "web-0"})
        batch.point(gone, at).set(0.97, at)
    for host in ("web-1", "web-2"):
        only = {"host.name": host}
        for name, value in (
            ("system.cpu.utilization", 0.3 + 0.2 * chance.random()), ("system.memory.utilization", 0.62),
            ("system.cpu.logical.count", 4), ("system.cpu.load_average.1m", 1.4), ("system.memory.limit", 8e9), ("system.paging.usage", 0),
        ):  # fmt: skip
            batch.point(Series.of(name, only), at + 50).set(value, at + 50)
        for direction, amount in (("receive", 4e6), ("transmit", 9e6)):
            by = {**only, "network.io.direction": direction}
            batch.point(Series.of("system.network.io", by), at).add(
                amount * chance.random()
            )
        mount = {**only, "system.filesystem.mountpoint": "/"}
        batch.point(Series.of("system.filesystem.utilization", mount), at).set(0.48, at)
        batch.point(Series.of("system.filesystem.limit", mount), at).set(8e10, at)
        at_work = {**only, "server.name": "gunicorn", "process.pid": 1200}
        for name, value in (
            ("alive", 1 if is_faulty and host == "web-2" else 2),
            ("configured", 2),
        ):
            batch.point(
                Series.of(f"spotter.server.workers.{name}", at_work), at + 50
            ).set(value, at + 50)
        for how, amount in (
            ("exited", minute == 30),
            ("killed", host == "web-2" and minute == 10),
        ):
            ended = {**only, "server.name": "gunicorn", "how": how}
            batch.point(Series.of("spotter.workers.ended", ended), at).add(2 * amount)
        for pid in (1201, 1202):
            of = {**only, "process.pid": pid}
            batch.point(Series.of("process.memory.usage", of), at + 50).set(
                1.2e8 + 1e5 * (90 - minute), at + 50
            )
            batch.point(Series.of("process.cpu.utilization", of), at).set(0.2, at)
            batch.point(Series.of("http.server.active_requests", of), at).set(2, at)
            batch.point(Series.of("spotter.workers.busy", of), at).set(2, at)
            batch.point(Series.of("spotter.workers.count", of), at).set(16, at)
            release = {
                **of,
                "service.version": "2026.11.3" if minute < 30 else "2026.11.2",
            }
            batch.point(Series.of("spotter.process.release", release), at).set(1, at)
        late = Series.of("spotter.event_loop.lag", {**only, "process.pid": 1301})
        batch.point(late, at).set(0.4 if is_faulty else 0.002, at)
    batch.point(Series.of("spotter.capture.duration"), at).note(0.04)
    batch.point(Series.of("spotter.flush.duration"), at).note(0.006)


def samples(now):
    """Examples of everything."""
    spans = [
        {
            "kind": "db",
            "at": 0.004 + 0.03 * n,
            "duration": 0.02,
            "text": STATEMENTS["b1b2c3d4e5f60718"],
            "fingerprint": "b1b2c3d4e5f60718",
            "rows": 1,
        }
        for n in range(8)
    ]
    spans += [
        {"kind": "cache", "at": 0.3, "duration": 0.001, "text": "get slots:… miss"},
        {
            "kind": "http",
            "at": 0.32,
            "duration": 0.5,
            "text": "POST api.stripe.com 503",
        },
    ]
    for number, (route, why, status) in enumerate(
        (
            ("/api/payments/checkout/", "failed", 500),
            ("/api/bookings/summary/", "slow", 200),
            ("/api/clients/", "sampled", 200),
        )
    ):
        yield Sample(kind="request", key=route, at=now - 60 * number - 20, weight=1000 - number, body={
            "method": "POST" if number == 0 else "GET", "path": route, "route": route, "status": status, "duration": 0.9 + number, "started_at": now - 60 * number - 20,
            "request_id": f"{number}f3a9c2e5b7d4816{number}f3a9c2e5b7d4816", "trace_id": "", "user_id": "42", "exception": "stripe.APIConnectionError" if number == 0 else "", "why": why,
            "db_queries": 8, "db_seconds": 0.16, "cache_hits": 0, "cache_misses": 1, "queue_seconds": 0.003, "spans": spans, "spans_dropped": 0,
        })  # fmt: skip
    # Of the slow request, and of one that is not kept; the repetition's is.
    slow, lost = "1f3a9c2e5b7d48161f3a9c2e5b7d4816", "0f3a9c2e5b7d4816"
    for key, text in STATEMENTS.items():
        is_slow = key.startswith("c")
        yield Sample(kind="statement", key=key, at=now - (80 if is_slow else 30), weight=0.2, body={
            "text": text, "alias": "default", "system": "postgresql", "operation": "SELECT", "tables": ["bookings_booking"], "site": SITE,
            "duration": 0.18, "rows": 20, "route": "/api/bookings/summary/" if is_slow else "/api/bookings/", "request_id": slow if is_slow else lost, "why": "slow",
        })  # fmt: skip
    yield Sample(kind="repeated", key="/api/clients/", at=now - 140, weight=0.06, body={
        "kind": "n_plus_one", "fingerprint": "b1b2c3d4e5f60718", "text": STATEMENTS["b1b2c3d4e5f60718"], "site": SITE, "template": "", "count": 24, "seconds": 0.06,
        "model": "clients.Client", "relation": "Booking.client", "advice": 'Add select_related("client") to the query that the loop is over.', "route": "/api/clients/", "request_id": "2f3a9c2e5b7d48162f3a9c2e5b7d4816",
    })  # fmt: skip
