"""The exported rules in a real Prometheus that scrapes a real TrainerHub under a fault."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest
import urllib3

from spotter.alerts.book import Book
from spotter.alerts.machine import Truth
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import shipped
from spotter.exporters import prometheus
from spotter.exporters.prometheus import Target
from spotter.stores.sqlite import MEMORY, SqliteStore
from tests.servers.processes import free_port, program, running, wait_until
from tests.servers.proxy import FaultProxy
from tests.servers.trainerhub import environment, running_trainerhub
from tests.servers.web import CHECKOUT, WebServer, child_environment

pytestmark = [pytest.mark.acceptance, pytest.mark.long, pytest.mark.timeout(400)]
#: Limits that any host is over, so that what a host uses fires too; a busy one's CPU may.
LIMITS = {"DiskSpaceLow": 1e-6, "HighMemory": 1e-6, "HighCPU": 9.0}


def rules() -> list[Rule]:
    """The shipped ones, without their waits."""
    book = Book(SqliteStore(MEMORY))
    return [
        dataclasses.replace(
            rule,
            for_=0.0,
            clear=None,
            threshold=LIMITS.get(rule.name, rule.threshold),
        )
        for rule in shipped(lambda: book)
    ]


def get(url: str) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager() as pool:
        return pool.request("GET", url, timeout=60, retries=False)


@contextlib.contextmanager
def evaluating(server: WebServer, folder: pathlib.Path) -> Iterator[str]:
    """A Prometheus with the exported files, every second instead of every ten."""
    target = Target(job="trainerhub", address=f"127.0.0.1:{server.port}")
    for name, text in (
        (prometheus.RULES, prometheus.rule_file(rules(), target)),
        (prometheus.MAIN, prometheus.main_file(target)),
    ):
        (folder / name).write_text(text.replace('"10s"', '"1s"'))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        str(program("prometheus")),
        f"--config.file={folder / prometheus.MAIN}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]

    def is_ready() -> bool:
        try:
            return b"Ready" in get(f"{url}/-/ready").data
        except urllib3.exceptions.HTTPError:
            return False

    with running(command, is_ready, seconds=30, log=str(folder / "prometheus.log")):
        yield url


@contextlib.contextmanager
def watching(
    home: pathlib.Path, extra: dict[str, str], server: WebServer
) -> Iterator[None]:
    """The watcher, which asks database and cache itself; it tells nobody."""
    variables = {**extra, "PORT": str(server.port), "EMAIL_HOST": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "spotter", "watch"],
        cwd=CHECKOUT, env=child_environment(environment(home, variables)),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def firing(url: str) -> set[str]:
    """What fires in Prometheus."""
    alerts = get(f"{url}/api/v1/alerts").json()["data"]["alerts"]
    return {a["labels"]["alertname"] for a in alerts if a["state"] == "firing"}


def healthy(url: str) -> set[tuple[str, str]]:
    """How each rule's last evaluation went."""
    groups = get(f"{url}/api/v1/rules").json()["data"]["groups"]
    return {(r["name"], r["health"]) for group in groups for r in group["rules"]}


def holding(store: SqliteStore, among: set[str]) -> set[str]:
    """What holds in Spotter over what the same server recorded."""
    now = time.time()
    return {
        rule.name
        for rule in rules()
        if rule.name in among
        and any(
            rule.judge(reading, is_firing=False) is Truth.TRUE
            for reading in rule.expression.read(store, now)
        )
    }


def test_under_a_fault_the_same_rules_fire_in_prometheus_as_in_spotter(
    postgres, tmp_path
):
    name = f"trainerhub_{uuid.uuid4().hex[:8]}"
    postgres.create_database(name)
    database = FaultProxy(postgres.port)
    home = tmp_path / "home"
    home.mkdir()
    extra = {
        "DATABASE_URL": postgres.url(name, database.port),
        "SPOTTER_METRICS_ACCESS": "public",
        "LOGIN_THROTTLE_RATE": "600/min",
        # Another server on this host may be the one that reads the host.
        "TMPDIR": str(home),
    }
    with running_trainerhub(home, extra) as server:
        store = SqliteStore(home / "var" / "spotter" / "spotter.db")
        page = f"{server.url}/api/trainers/"
        get(page)
        with evaluating(server, tmp_path) as url, watching(home, extra, server):
            said = {rule["alert"] for rule in exported(tmp_path)}
            wait_until(
                lambda: healthy(url) == {(each, "ok") for each in said}, 30, "rules"
            )
            quiet = {"DiskSpaceLow", "HighMemory"}
            wait_until(lambda: firing(url) == quiet, 40, "what any host is over")
            assert holding(store, said) == quiet
            # The first failures of all: the counter must have been there before.
            database.misbehave("down")
            statuses = [login(server) for _ in range(25)]
            assert sum(status >= 500 for status in statuses) >= 20, statuses
            bad = {*quiet, "HighErrorRate", "HighErrorRateLowTraffic", "DatabaseDown"}
            wait_until(lambda: bad <= firing(url), 60, "errors told")
            assert firing(url) - {"SlowResponses"} == bad
            assert holding(store, said) - {"SlowResponses"} == bad
            database.misbehave(None)
            wait_until(lambda: "DatabaseDown" not in firing(url), 60, "its end")
            assert "DatabaseDown" not in holding(store, said)
        store.close()
    database.stop()


def login(server: WebServer) -> int:
    """Somebody logs in, for which the database is asked."""
    with urllib3.PoolManager() as pool:
        return pool.request(
            "POST",
            f"{server.url}/api/users/login/",
            json={"email": "a@example.com", "password": "x"},
            timeout=60,
            retries=False,
        ).status


def exported(folder: pathlib.Path) -> list[dict[str, str]]:
    import yaml

    document = yaml.safe_load((folder / prometheus.RULES).read_text())
    found: list[dict[str, str]] = document["groups"][0]["rules"]
    return found


def test_the_files_in_deploy_are_what_the_settings_say(tmp_path):
    subprocess.run(
        [str(CHECKOUT / "deploy" / "export-monitoring.sh"), str(tmp_path)],
        check=True, capture_output=True, timeout=100, text=True,
    )  # fmt: skip
    for written in sorted(tmp_path.glob("*/*")):
        kept = CHECKOUT / "deploy" / written.relative_to(tmp_path)
        assert kept.read_text() == written.read_text(), (
            f"{kept.name} is old: run deploy/export-monitoring.sh"
        )
    assert len(list(tmp_path.glob("*/*"))) == 5
