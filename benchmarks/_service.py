"""A busy service at work: what its processes capture, through the recorders themselves."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import time_machine

from spotter import recording
from spotter.alerts.probing import Prober
from spotter.context import Context, new_id
from spotter.entries import Batch, Labels, Point, Sample
from spotter.probes import Monitor, Probe
from spotter.recorders import outgoing, request_points, task_events
from spotter.recorders.cache_servers.readings import Watch
from spotter.recorders.cache_servers.status import Status
from spotter.recorders.pieces import Piece
from spotter.recorders.queries.attribution import Told
from spotter.recorders.queries.points import MAX_FINGERPRINTS
from spotter.recording.aside import diverted
from spotter.recording.bounds import Bounds
from spotter.recording.measures import Item, Measures, sorted_labels
from spotter.spans import CacheSpan, HttpSpan, QuerySpan

ROUTES = 200
#: Requests of each route and second.
RATE = 0.5
#: One request in so many fails.
FAILING = 400
STATEMENTS_EACH = MAX_FINGERPRINTS // ROUTES
#: How likely a request asks for each of its route's statements.
LIKELY = (1, 1, 1, 1, 0.5, 0.5, 0.1, 0.1, 0.02, 0.02)
#: Every so many routes one has a slow statement, and one repeats itself.
SLOW_EVERY, REPEATING_EVERY = 25, 5
#: Statements that several routes share, as that of the user and of the session.
SHARED = ("accounts_user", "accounts_session", "trainers_trainer")
HOSTS = ("web-1", "web-2", "web-3")
WORKERS = 4
PREFIXES = 12
TASKS, SERVERS, COMMANDS = 30, 10, 8
MONITORS = ("health", "api", "checkout", "website", "status", "mail")
CHECKS = ("database", "cache", "migrations", "disk", "email", "sms")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130 Safari/537.36"


class Together(Measures):
    """What all processes measure, in one batch: each alone would flush far less."""

    def point(self, name: str, labels: Mapping[str, object], at: float) -> Point:
        return self._point(name, sorted_labels(labels), at)

    def _point(self, name: str, labels: Labels, at: float) -> Point:
        series, _ = self._bounds.admit(name, labels)
        assert series is not None, f"there is no room for {name}"
        return self.batch.point(series, at)

    def sample(self, sample: Sample) -> None:
        self.batch.samples.append(sample)

    def take(self, item: Item) -> None:
        """Add what was captured."""
        item.measure(self)


def route_of(number: int) -> str:
    return f"/api/resource-{number}/<int:pk>/"


def sql_of(route: int, number: int) -> str:
    """A statement as Django writes it, of a length that is usual."""
    table = f"app{route % 12}_resource{route}_{number}"
    names = ("id", "created_at", "updated_at", "trainer_id", "client_id", "status",
             "starts_at", "ends_at", "price_minor", "currency", "note")  # fmt: skip
    columns = ", ".join(f'"{table}"."{name}"' for name in names)
    return (
        f'SELECT {columns} FROM "{table}" INNER JOIN "trainers_trainer" ON '
        f'("{table}"."trainer_id" = "trainers_trainer"."id") WHERE '
        f'("{table}"."trainer_id" = %s AND "{table}"."starts_at" >= %s) '
        f'ORDER BY "{table}"."starts_at" ASC LIMIT 21'
    )


def shared_sql(table: str) -> str:
    return f'SELECT "{table}"."id", "{table}"."email" FROM "{table}" WHERE "{table}"."id" = %s LIMIT 21'


def queries_of(route: int, chance: random.Random) -> Iterator[QuerySpan]:
    """What one request asks its database for."""
    for table in SHARED:
        yield query(shared_sql(table), chance, 0.0004, 1)
    for number, likely in enumerate(LIKELY[:STATEMENTS_EACH]):
        if chance.random() > likely:
            continue
        is_slow = number == 6 and route % SLOW_EVERY == 0
        yield query(sql_of(route, number), chance, 0.18 if is_slow else 0.002, 21)
    if route % REPEATING_EVERY == 0 and chance.random() < 0.2:
        yield from repeated(route, chance)


def repeated(route: int, chance: random.Random) -> Iterator[QuerySpan]:
    """The same line asking again and again; only the first calls did not look."""
    site = (f"trainerhub/app{route % 12}/selectors.py", 40 + route, "upcoming")
    for number in range(chance.randrange(6, 20)):
        span = query(sql_of(route, 1), chance, 0.001, 1)
        span.parameters = number + 1
        span.site = site if number else None
        if number:
            span.told = Told(operation="relation", model=f"app.Resource{route}",
                             relation="Booking.client")  # fmt: skip
        yield span


def query(sql: str, chance: random.Random, seconds: float, rows: int) -> QuerySpan:
    span = QuerySpan(time.perf_counter(), sql, "default", "postgresql")
    span.seconds = seconds * chance.lognormvariate(0, 0.5)
    span.rows = chance.randrange(rows + 1)
    return span


def lookups_of(route: int, chance: random.Random) -> Iterator[CacheSpan]:
    """What one request asks its caches for."""
    kinds = (("get", "sessions", "session"), ("get", "default", f"slots{'abcdefghijkl'[route % PREFIXES]}"),
             ("get", "default", f"user{'abcdefghijkl'[route % 7]}"))  # fmt: skip
    for operation, alias, prefix in kinds:
        span = CacheSpan(time.perf_counter(), operation, alias, f"{prefix}:{route}")
        span.seconds = 0.0003 * chance.lognormvariate(0, 0.4)
        span.hits = int(chance.random() < 0.9)
        span.misses = 1 - span.hits
        yield span
        if span.misses:
            put = CacheSpan(time.perf_counter(), "set", alias, f"{prefix}:{route}")
            put.seconds = span.seconds
            yield put


def request(route: int, at: float, chance: random.Random) -> Any:
    """One request as the middleware hands it over; TrainerHub's reads carry no body."""
    context = Context(request_id=new_id(), user_id=str(chance.randrange(9000)),
                      route=route_of(route))  # fmt: skip
    context.spans = [*queries_of(route, chance), *lookups_of(route, chance)]
    for span in context.spans:
        if isinstance(span, QuerySpan):
            context.db_queries += 1
            context.db_seconds += span.seconds
        elif isinstance(span, CacheSpan):
            context.cache_hits += span.hits
            context.cache_misses += span.misses
            context.cache_seconds += span.seconds
    failed = chance.randrange(FAILING) == 0
    context.exception = "stripe.APIConnectionError" if failed else ""
    is_write = route % 4 == 3
    own = 0.03 * chance.lognormvariate(0, 0.7)
    return SimpleNamespace(
        context=context, method="POST" if is_write else "GET",
        path=f"/api/resource-{route}/{chance.randrange(100000)}/",
        status=500 if failed else 200, arrived_at=at, disconnected=False,
        seconds=own + context.db_seconds + context.cache_seconds,
        request_bytes=chance.randrange(100, 900) if is_write else 0,
        response_bytes=0 if failed else chance.randrange(400, 20000),
        agent=BROWSER if chance.random() < 0.95 else "curl/8.5",
        queued=f"t={at - 0.002:.3f}" if route % 10 == 0 else None,
    )  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answering(Monitor):
    """A monitor whose server answers, nearly always."""

    chance: random.Random

    def probe(self) -> Probe:
        problem = "answered 503" if self.chance.randrange(500) == 0 else ""
        seconds = self.chance.lognormvariate(-2.8, 0.7)
        return Probe(seconds=seconds, problem=problem, expires_at=time.time() + 5e6)


class Service:
    """
    All processes of the service: three hosts, four workers each, and the watcher's.

    Nothing is written here that a recorder or `recording` would not write; only where
    a recorder reads the machine itself, the reading is made up.
    """

    def __init__(self, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.monitors = [Answering(name=name, chance=self.chance) for name in MONITORS]
        self.prober = Prober("web-1")
        self.caches = [(host, Watch(alias, list), alias, system)
                       for host in HOSTS
                       for alias, system in (("default", "redis"), ("sessions", "memcached"))]  # fmt: skip
        self._hits = 0
        self.bounds = Bounds()

    def seconds(self, start: int, length: int) -> Batch:
        """What is measured from an instant on, up to a minute."""
        into = Together(self.bounds)
        for second in range(length):
            self._requests(start + second, into)
        with time_machine.travel(start, tick=False) as clock, diverted(into.take):
            for passed in range(0, length, 10):
                clock.move_to(start + passed + 5)
                self._readings()
                self._work(10)
        return into.batch

    def _requests(self, at: float, into: Measures) -> None:
        for route in range(ROUTES):
            if self.chance.random() < RATE:
                moment = at + self.chance.random() * 0.5
                request_points.measure(request(route, moment, self.chance), into)

    def _readings(self) -> None:
        """What is read every ten seconds."""
        for host in HOSTS:
            self._host(host)
            for worker in range(WORKERS):
                self._process(host, 1000 + worker)
        for host, watch, _, system in self.caches:
            self._cache_server(host, watch, system)
        for monitor in self.monitors:
            self.prober.probe(monitor)
        self._watcher()

    def _host(self, host: str) -> None:
        of = {"host.name": host}
        chance = self.chance
        for name, value in (
            ("system.cpu.utilization", chance.random()), ("system.cpu.load_average.1m", 3 * chance.random()),
            ("system.cpu.logical.count", 4), ("system.memory.usage", chance.randrange(8 << 30)),
            ("system.memory.limit", 8 << 30), ("system.memory.utilization", chance.random()),
            ("system.paging.usage", 0),
        ):  # fmt: skip
            recording.gauge(name, value, of)
        for mount in ("/", "/var"):
            disk = {**of, "system.filesystem.mountpoint": mount}
            recording.gauge("system.filesystem.usage", 4e10, disk)
            recording.gauge("system.filesystem.limit", 8e10, disk)
            recording.gauge("system.filesystem.utilization", 0.5, disk)
        for direction in ("receive", "transmit"):
            by = {**of, "network.io.direction": direction}
            recording.count("system.network.io", by, chance.randrange(1 << 24))
        recording.count("spotter.workers.oom_kills", of, 0)
        for how in ("exited", "killed"):
            labels = {**of, "server.name": "gunicorn", "how": how}
            recording.count("spotter.workers.ended", labels, 0)
        server = {**of, "server.name": "gunicorn", "process.pid": 999}
        recording.gauge("spotter.server.workers.alive", WORKERS, server)
        recording.gauge("spotter.server.workers.configured", WORKERS, server)
        recording.count("spotter.logs.lost", {"file": "trainerhubb.log"}, 0)

    def _process(self, host: str, pid: int) -> None:
        of = {"host.name": host, "process.pid": pid}
        for name, value in (
            ("process.memory.usage", 2e8 * self.chance.random()), ("process.cpu.utilization", self.chance.random()),
            ("process.open_file_descriptor.count", 40), ("http.server.active_requests", self.chance.randrange(8)),
            ("spotter.workers.busy", self.chance.randrange(8)), ("spotter.workers.count", 8),
        ):  # fmt: skip
            recording.gauge(name, value, of)
        release = {**of, "service.version": "2026.11.3"}
        recording.gauge("spotter.process.release", 1, release)
        recording.summarize("spotter.capture.duration", 0.04)
        recording.summarize("spotter.flush.duration", 0.006)

    def _cache_server(self, host: str, watch: Watch, system: str) -> None:
        self._hits += 900
        labels = {"cache.alias": watch.alias, "host.name": host}
        recording.gauge("spotter.cache.server.up", 1, labels)
        totals = {"spotter.cache.server.hits": self._hits, "spotter.cache.server.misses": self._hits // 9,
                  "spotter.cache.evictions": self._hits // 300}  # fmt: skip
        status = Status(
            address=f"{system}:1", system=system, is_local=False, life="1",
            policy="allkeys-lru" if system == "redis" else "lru",
            uptime=self._hits, totals=totals, entries=self.chance.randrange(90000),
            memory=self.chance.randrange(1 << 28), limit=1 << 28,
        )  # fmt: skip
        watch._record([status], labels)

    def _watcher(self) -> None:
        me = {"host.name": "web-1", "process.pid": 1}
        recording.gauge("spotter.watcher.leading", 1, me)
        recording.summarize("spotter.watcher.cycle.duration", 0.07)
        for check in CHECKS:
            labels = {"check": check, "kind": "ready", "watcher": "web-1"}
            recording.gauge("spotter.health_check.up", 1, labels)
        for system, queue in (
            ("celery", "celery"),
            ("celery", "letters"),
            ("django", "default"),
        ):
            of = {"task.system": system, "queue": queue}
            recording.gauge("spotter.task.queue.depth", self.chance.randrange(9), of)
            recording.gauge("spotter.task.queue.oldest", self.chance.random(), of)

    def _work(self, seconds: int) -> None:
        """Tasks, commands, calls to other servers and business of some seconds."""
        for number in range(TASKS):
            if self.chance.random() < 0.1 * seconds / (1 + number / 6):
                self._task(number)
        for number in range(SERVERS):
            if self.chance.random() < 0.5:
                self._call(number)
        if self.chance.random() < seconds / 900:
            name = f"command_{self.chance.randrange(COMMANDS)}"
            labels = {"command.name": name}
            self._piece("spotter.command.duration", labels, f"command {name}", {})
        for name, labels in (
            ("trainerhub.bookings.made", {}), ("trainerhub.bookings.cancelled", {}), ("trainerhub.payments.taken", {}),
            ("trainerhub.payments.failed", {}), ("trainerhub.notifications.sent", {"channel": "email"}),
            ("trainerhub.notifications.sent", {"channel": "sms"}), ("trainerhub.workflows.ended", {"status": "done"}),
        ):  # fmt: skip
            recording.count(name, labels, self.chance.randrange(5))

    def _task(self, number: int) -> None:
        system = "celery" if number % 2 else "django"
        name = f"trainerhub.app{number % 7}.tasks.task_{number}"
        failed = self.chance.randrange(200) == 0
        for event in ("queued", "started", "failed" if failed else "succeeded"):
            task_events.count(system, name, event)
        labels = {"task.system": system, "task.name": name}
        wait = self.chance.lognormvariate(-3, 1)
        recording.observe("spotter.task.wait", wait, labels)
        sample = {
            "system": system,
            "name": name,
            "id": new_id(),
            "wait": wait,
            "attempt": 1,
        }
        self._piece(
            "spotter.task.duration", labels, f"task {name}", sample, failed=failed
        )

    def _piece(self, metric: str, labels: dict[str, str], name: str,
               sample: dict[str, Any], *, failed: bool = False) -> None:  # fmt: skip
        piece = Piece(metric, labels, name)
        piece.started -= self.chance.lognormvariate(-1.5, 0.6)
        piece.sample = sample
        for table in SHARED:
            piece.context.put_span(query(shared_sql(table), self.chance, 0.001, 1))
        piece.end(failed=failed)

    def _call(self, number: int) -> None:
        is_lost = self.chance.randrange(300) == 0
        span = HttpSpan(
            time.perf_counter(),
            "POST" if number % 3 else "GET",
            f"api{number}.example.com",
        )
        span.started -= self.chance.lognormvariate(-1.6, 0.6)
        outgoing.end(span, 0 if is_lost else 200, "ConnectTimeout" if is_lost else "")
