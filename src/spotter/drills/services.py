"""Faults of what the service stands on: refused, dead, out of date."""

from __future__ import annotations

import copy
import dataclasses
import pathlib
import socket
import ssl
import subprocess
import tempfile

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.module_loading import import_string

from spotter.alerts.probing import Prober
from spotter.alerts.rules import Rule
from spotter.alerts.watcher import configured_monitors, record_health
from spotter.drills.programs import program
from spotter.drills.reading import InjectedReading
from spotter.drills.real import Fault, Real
from spotter.drills.receivers import Receiver
from spotter.drills.simulated import WHERE
from spotter.health.cache import CacheCheck
from spotter.health.check import HealthCheck
from spotter.health.database import DatabaseCheck, own_connection
from spotter.health.runner import Runner, get_runner
from spotter.probes import Http, Monitor, Tcp


def refused_port() -> int:
    """A loopback port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RefusedDatabase(DatabaseCheck):
    """The project's own check, of a connection that is refused."""

    refuses = False

    def connection(self) -> BaseDatabaseWrapper:
        connection = own_connection(self.alias)
        if self.refuses:
            connection.settings_dict |= refused_database(connection)
        return connection


def refused_database(connection: BaseDatabaseWrapper) -> dict[str, object]:
    """Settings with which no database answers."""
    if connection.vendor == "sqlite":
        return {"NAME": "/nonexistent/spotter-drill/database"}
    return {"HOST": "127.0.0.1", "PORT": str(refused_port())}


class RefusedCache(CacheCheck):
    """The project's own check, of a cache whose server is not there."""

    refuses = False

    def cache(self) -> BaseCache:
        return refused_cache(self.alias) if self.refuses else super().cache()


def refused_cache(alias: str) -> BaseCache:
    """The cache with its own backend and options, where nobody listens."""
    options = copy.deepcopy(caches.settings[alias])
    backend = import_string(options.pop("BACKEND"))
    options.pop("LOCATION", None)
    port = refused_port()
    scheme = "redis://" if "redis" in backend.__module__.lower() else ""
    made: BaseCache = backend(f"{scheme}127.0.0.1:{port}", options)
    return made


def has_server(alias: str) -> bool:
    """Whether a cache's location is an address, which can be refused."""
    backend = str(caches.settings[alias]["BACKEND"]).lower()
    return any(kind in backend for kind in ("redis", "memcached", "valkey"))


class RefusedCheck(Fault):
    """A health check of the project's, carried out by its runner against a refusal."""

    def __init__(self, rule: Rule, check: RefusedDatabase | RefusedCache) -> None:
        self.rule = rule
        self.check = check
        self.runner = Runner([check])
        self.how = f"the check {check.name} with its connection refused"

    def inject(self, world: Real, bad: bool) -> None:
        self.check.refuses = bad
        # Its own results are good for a second, and the fault may be younger.
        for flight in self.runner.fleet.flights:
            flight.forget()
        outcomes = self.runner.outcomes()
        world.measure(lambda: record_health(outcomes))


def refused_check(rule: Rule) -> Fault:
    """The first check of the project's that the rule is about, refused."""
    is_database = rule.name == "DatabaseDown"
    wanted: type[HealthCheck] = DatabaseCheck if is_database else CacheCheck
    found = [check for check in get_runner().checks if isinstance(check, wanted)]
    if not found:
        return InjectedReading(rule, "the project has no such health check")
    check = found[0]
    if isinstance(check, DatabaseCheck):
        database = RefusedDatabase(check.alias, name=f"database:{WHERE}")
        database.timeout_seconds = check.timeout_seconds
        return RefusedCheck(rule, database)
    alias = str(check.alias)  # type: ignore[attr-defined]
    if not has_server(alias):
        return InjectedReading(rule, "this cache has no server that could refuse")
    return RefusedCheck(rule, RefusedCache(alias, name=f"cache:{WHERE}"))


class DeadEndpoint(Fault):
    """The project's own monitor, pointed to a port where nobody listens."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.prober = Prober(WHERE)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        place = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.well: Monitor = Tcp(name=WHERE, address=place)
        self.dead: Monitor = Tcp(name=WHERE, address=f"127.0.0.1:{refused_port()}")
        self.how = "a connection to a dead port"
        mine = next((m for m in configured_monitors() if isinstance(m, Http)), None)
        if mine is not None:
            url = f"http://127.0.0.1:{refused_port()}/"
            self.dead = dataclasses.replace(mine, name=WHERE, url=url)
            self.how = f"the monitor {mine.name} pointed to a dead address"
            if not mine.probe().problem:
                self.well = dataclasses.replace(mine, name=WHERE)

    def inject(self, world: Real, bad: bool) -> None:
        monitor = self.dead if bad else self.well
        world.measure(lambda: self.prober.probe(monitor))

    def close(self) -> None:
        self.listener.close()


class OldCertificate(Fault):
    """A TLS server with a certificate that ends in three days; then one that does not."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.folder = tempfile.TemporaryDirectory(prefix="spotter-drill-")
        self.servers = {
            bad: self._serve(days) for bad, days in ((True, 3), (False, 90))
        }
        self.how = "a TLS server whose certificate ends in 3 days"

    def _serve(self, days: int) -> tuple[Receiver, Tcp]:
        key, cert = (pathlib.Path(self.folder.name, f"{days}.{e}") for e in ("key", "pem"))  # fmt: skip
        make_certificate(days, key, cert)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server = Receiver(tls=context)
        place = f"localhost:{server.port}"
        return server, Tcp(name=WHERE, address=place, tls=True, ca=str(cert))

    def inject(self, world: Real, bad: bool) -> None:
        _, monitor = self.servers[bad]
        world.measure(lambda: Prober(WHERE).probe(monitor))

    def close(self) -> None:
        for server, _ in self.servers.values():
            server.close()
        self.folder.cleanup()


def make_certificate(days: int, key: pathlib.Path, cert: pathlib.Path) -> None:
    """A self-signed one for localhost."""
    subprocess.run(  # noqa: S603 (our own words)
        [
            *(program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-days", str(days), "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
