"""Faults that this process makes at their source, and measures as recorders do."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import logging
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import psutil
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.module_loading import import_string

from spotter import recording
from spotter.alerts.book import PENDING, Book
from spotter.alerts.expressions import BestOf, Gauge, Increase
from spotter.alerts.outbox import Outbox
from spotter.alerts.probing import Prober
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.alerts.watcher import configured_monitors, record_health
from spotter.channels import Kind, Notice, Webhook
from spotter.drills.drill import Undrillable
from spotter.drills.real import Fault, Real
from spotter.drills.receivers import Receiver
from spotter.drills.simulated import WHERE, beyond
from spotter.health.cache import CacheCheck
from spotter.health.check import HealthCheck
from spotter.health.database import DatabaseCheck, own_connection
from spotter.health.runner import Runner, get_runner
from spotter.logs.files import RotatingFile
from spotter.probes import Http, Monitor, Tcp
from spotter.recorders import lost_lines
from spotter.recorders.host.cgroups import Cgroup
from spotter.recorders.host.disks import tell
from spotter.recorders.host.election import Post
from spotter.recorders.host.ledger import Ledger
from spotter.recorders.host.readings import Host, read_memory
from spotter.stores.sqlite import MEMORY, SqliteStore

#: Bytes of the disk that is filled.
DISK_BYTES = 1024 * 1024
#: What the kernel calls it, with the number of the process that made it.
DEVICE = "spotter-drill-"
DAY = 86400.0


def program(name: str) -> str:
    """Where a program is; raises Undrillable when it is nowhere."""
    found = shutil.which(name)
    if found is None:
        raise Undrillable(f"there is no {name} here")
    return found


def refused_port() -> int:
    """A loopback port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class InjectedReading(Fault):
    """A reading that is no reading, for what can't be brought about."""

    form = "injected"

    def __init__(self, rule: Rule, why: str) -> None:
        self.rule = rule
        self.how = f"an injected reading: {why}"
        expression = rule.expression
        if not isinstance(expression, (BestOf, Gauge, Increase)):
            raise Undrillable("it computes something that no reading makes true")
        self._name, self._by = expression.name, labels_of(expression)
        self._is_counter = isinstance(expression, Increase)

    def inject(self, world: Real, bad: bool) -> None:
        if self._is_counter:
            amount = self.rule.threshold + 1 if bad else 0
            world.measure(lambda: recording.count(self._name, self._by, amount))
        else:
            value = beyond(self.rule, bad=bad)
            world.measure(lambda: recording.gauge(self._name, value, self._by))


def labels_of(expression: BestOf | Gauge | Increase) -> dict[str, str]:
    """Labels of a series that it looks at."""
    if isinstance(expression, Increase):
        return dict.fromkeys(expression.by, WHERE)
    if isinstance(expression, BestOf):
        return {expression.by: WHERE, expression.of: WHERE, **expression.where}
    return {**dict.fromkeys(expression.by, WHERE), **expression.where}


# What the service stands on.


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


# Hosts.


class FullDisk(Fault):
    """A small disk in memory, really filled; the host's own readings pass it over."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        unmount_left_over()
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="spotter-drill-"))
        options = f"size={DISK_BYTES},mode=0700"
        done = subprocess.run(  # noqa: S603 (our own words)
            [program("mount"), "-t", "tmpfs", "-o", options, f"{DEVICE}{os.getpid()}", str(self.place)],
            check=False, capture_output=True, timeout=30,
        )  # fmt: skip
        if done.returncode:
            self.place.rmdir()
            raise Undrillable("this user may mount nothing")
        self.how = f"a disk of {DISK_BYTES // 1024} KiB that is really filled"

    def inject(self, world: Real, bad: bool) -> None:
        filler = self.place / "filler"
        share = beyond(self.rule, bad=bad)
        filler.write_bytes(b"\0" * int(share * DISK_BYTES))
        labels = {"host.name": WHERE}
        disk = psutil.disk_usage(str(self.place))
        world.measure(lambda: tell(str(self.place), disk, labels))

    def close(self) -> None:
        unmount(self.place)


def unmount(place: pathlib.Path) -> None:
    """Take a disk away again."""
    subprocess.run(  # noqa: S603 (our own words)
        [program("umount"), "-l", str(place)],
        check=False, capture_output=True, timeout=30,
    )  # fmt: skip
    with contextlib.suppress(OSError):
        place.rmdir()


def unmount_left_over() -> None:
    """Take away what a drill left behind that was killed."""
    for mount in psutil.disk_partitions(all=True):
        pid = mount.device.removeprefix(DEVICE)
        if mount.device != pid and pid.isdigit() and not psutil.pid_exists(int(pid)):
            unmount(pathlib.Path(mount.mountpoint))


class FullMemory(Fault):
    """The recorder's own code, told of a control group that is nearly full."""

    form = "injected"

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.limit = psutil.virtual_memory().total // 2
        self.how = "the recorder's reading of a control group that is nearly full"

    def inject(self, world: Real, bad: bool) -> None:
        usage = int(beyond(self.rule, bad=bad) * self.limit)
        group = Cgroup(memory_usage=usage, memory_limit=self.limit)
        world.measure(lambda: read_memory({"host.name": WHERE}, group))


class BusyCpu(Fault):
    """The recorder's own code, told of a control group that uses nearly all it may."""

    form = "injected"

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.host = Host(Post("drill"), Ledger("drill"))
        self.used, self.at = 0.0, time.monotonic()
        self.how = "the recorder's reading of a control group at its limit"

    def inject(self, world: Real, bad: bool) -> None:
        now = time.monotonic()
        self.used += beyond(self.rule, bad=bad) * (now - self.at)
        self.at = now
        group = Cgroup(cpus=1.0, cpu_seconds=self.used)
        world.measure(lambda: self.host.read_cpu({"host.name": WHERE}, group))


class FullLog(Fault):
    """A log file on a device that is full."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        if not os.path.exists("/dev/full"):
            raise Undrillable("this system has no /dev/full")
        self.handler = RotatingFile("/dev/full")
        self.how = "a log handler that writes to a device which is full"

    def inject(self, world: Real, bad: bool) -> None:
        if bad:
            record = logging.makeLogRecord({"msg": "[DRILL]", "levelno": logging.INFO})
            self.handler.emit(record)
        world.measure(lost_lines.read)

    def close(self) -> None:
        self.handler.close()


# Monitoring itself.

CHILD = """
import sys, time
sys.path[:0] = {path!r}
import django
django.setup()
from spotter import recording
from spotter.recorders.host import processes
from spotter.stores.current import get_store
while True:
    get_store().write(recording.captured({drill!r}, processes.read))
    time.sleep(2)
"""


class SilentProcess(Fault):
    """A process that measures itself, killed; then another one."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.child: subprocess.Popen[bytes] | None = None
        self.how = "a process that measured itself, ended by SIGKILL"

    def _start(self, drill: str) -> None:
        code = CHILD.format(path=sys.path, drill=drill)
        self.child = subprocess.Popen(  # noqa: S603 (our own words)
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def inject(self, world: Real, bad: bool) -> None:
        if not bad:
            if self.child is None:
                self._start(world.drill)
        elif self.child is not None:
            # It has to have measured something before it can fall silent.
            deadline = time.monotonic() + 30
            while not self.rule.expression.read(world.source, world.now):
                if time.monotonic() > deadline or self.child.poll() is not None:
                    raise Undrillable("the process did not begin to measure")
                time.sleep(0.2)
            self.close()

    def close(self) -> None:
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None


class DeadReceiver(Fault):
    """A webhook whose receiver answers 500, tried again and again; then 200."""

    def __init__(self, rule: Rule) -> None:
        self.store = SqliteStore(MEMORY)
        self.book = Book(self.store)
        found = {each.name: each for each in shipped(lambda: self.book)}
        self.rule = dataclasses.replace(found[rule.name], severity=rule.severity)
        self.receiver = Receiver(status=500)
        self.outbox = Outbox([Webhook(name=WHERE, url=self.receiver.url)])
        self.how = "a webhook whose receiver answers 500"
        self._is_written = False

    def inject(self, world: Real, bad: bool) -> None:
        if not bad and not self._is_written:
            return
        if not self._is_written:
            self._is_written = True
            with self.book.writing() as page:
                page.decide(
                    "0:drill:trigger:0", 0, WHERE, Kind.TRIGGER, state=PENDING,
                    now=world.now, reason="a drill", notice=notice(world.now).as_dict(),
                )  # fmt: skip
        self.receiver.status = 500 if bad else 200
        self.outbox.deliver(self.book, world.now)

    def close(self) -> None:
        self.outbox.close()
        self.receiver.close()
        self.store.close()


def notice(now: float) -> Notice:
    """What the dead receiver is sent."""
    return Notice(
        kind=Kind.TRIGGER, incident=0, dedup_key="drill", title="nothing is broken",
        severity="info", service="", environment="", opened_at=now, at=now, is_drill=True,
    )  # fmt: skip


FAULTS: dict[str, Callable[[Rule], Fault]] = {
    "DatabaseDown": refused_check,
    "CacheDown": refused_check,
    "HealthCheckFailing": DeadEndpoint,
    "CertificateExpiring": OldCertificate,
    "DiskSpaceLow": FullDisk,
    "HighMemory": FullMemory,
    "HighCPU": BusyCpu,
    "LogLinesDropped": FullLog,
    "MonitoringNoData": SilentProcess,
    "NotificationChannelFailing": DeadReceiver,
}


def fault_of(rule: Rule) -> Fault:
    """How a rule's fault is made here; an injected reading where it can't be."""
    make = FAULTS.get(rule.name)
    if make is None:
        return InjectedReading(rule, "nothing real can be made slow or full for it")
    try:
        return make(rule)
    except (Undrillable, OSError, subprocess.SubprocessError) as error:
        return InjectedReading(rule, str(error) or type(error).__name__)
