"""A real Prometheus scrapes a real TrainerHub with several workers, one of them killed."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import urllib3

from spotter.exposition.recorded import BOUNDS, TTL_SECONDS
from spotter.stores import Query
from spotter.stores.sqlite import SqliteStore
from tests.servers.processes import free_port, program, running, wait_until
from tests.servers.trainerhub import running_trainerhub
from tests.servers.web import WebServer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]
#: Each test asks for a route of its own, so that neither counts the other's.
KILLED, SCRAPED = "/api/trainers/", "/api/clients/"
NAME = "http_server_request_duration_seconds"


@pytest.fixture(scope="module")
def server(migrated_home):
    with running_trainerhub(
        migrated_home(), {"SPOTTER_METRICS_ACCESS": "public"}, workers=3
    ) as up:
        yield up


def get(url: str) -> str:
    with urllib3.PoolManager() as pool:
        return pool.request("GET", url, timeout=60, retries=False).data.decode()


def ask(server: WebServer, route: str, times: int) -> None:
    """Ask for what needs a log-in, by connections that reach every worker."""
    for _ in range(times):
        get(server.url + route)


def counted(server: WebServer, route: str) -> int:
    """How many requests the text says there were, whichever worker answers."""
    text = get(f"{server.url}/metrics/?format=openmetrics")
    lines = [line for line in text.splitlines() if line.startswith(f"{NAME}_count{{")]
    return sum(int(line.rpartition(" ")[2]) for line in lines if f'"{route}"' in line)


@contextlib.contextmanager
def prometheus(server: WebServer, home: pathlib.Path) -> Iterator[str]:
    """A Prometheus that scrapes the server every second; gives its address."""
    port = free_port()
    (home / "prometheus.yml").write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                "scrape_configs": [
                    {
                        "job_name": "trainerhub",
                        "metrics_path": "/metrics/",
                        "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}],
                    }
                ],
            }
        )
    )
    url = f"http://127.0.0.1:{port}"
    command = [
        *(str(program("prometheus")), f"--config.file={home / 'prometheus.yml'}"),
        *(
            f"--storage.tsdb.path={home / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ),
        *("--enable-feature=exemplar-storage", "--log.level=warn"),
    ]

    def is_ready() -> bool:
        try:
            return "Ready" in get(f"{url}/-/ready")
        except urllib3.exceptions.HTTPError:
            return False

    with running(command, is_ready, seconds=30, log=str(home / "prometheus.log")):
        yield url


def query(url: str, expression: str) -> list[dict[str, Any]]:
    with urllib3.PoolManager() as pool:
        answer = pool.request(
            "GET", f"{url}/api/v1/query", fields={"query": expression}
        )
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found


def test_all_workers_count_as_one_though_one_is_killed(server):
    ask(server, KILLED, 60)
    wait_until(lambda: counted(server, KILLED) == 60, 20, "sixty requests")
    seen = [counted(server, KILLED)]
    workers = psutil.Process(server.pid).children()
    os.kill(workers[0].pid, signal.SIGKILL)
    for _ in range(4):
        ask(server, KILLED, 10)
        time.sleep(TTL_SECONDS)
        seen.append(counted(server, KILLED))
    wait_until(lambda: counted(server, KILLED) == 100, 20, "a hundred requests")
    assert seen == sorted(seen)


def test_prometheus_reads_it_and_agrees_on_the_quantile(server, tmp_path):
    ask(server, SCRAPED, 30)
    with prometheus(server, tmp_path) as url:
        wait_until(lambda: [r["value"][1] for r in query(url, "up")] == ["1"], 30, "up")
        expression = f'histogram_quantile(0.95, sum by (le) ({NAME}_bucket{{http_route="{SCRAPED}"}}))'
        wait_until(lambda: bool(query(url, expression)), 30, "a quantile")
        total = f'sum({NAME}_count{{http_route="{SCRAPED}"}})'
        wait_until(
            lambda: float(query(url, total)[0]["value"][1]) == counted(server, SCRAPED),
            30,
            "all",
        )
        theirs = float(query(url, expression)[0]["value"][1])
        assert query(url, "scrape_samples_scraped")[0]["value"][1] != "0"
    store = SqliteStore(server.home / "var" / "spotter" / "spotter.db")
    now = time.time()
    asked = Query(
        name="http.server.request.duration",
        start=now - 3600,
        end=now + 10,
        where={"http.route": SCRAPED},
    )
    ours = store.quantile(asked, 0.95)[()]
    store.close()
    assert abs(bucket(theirs) - bucket(ours)) <= 1


def bucket(value: float) -> int:
    """Which of the exposed buckets a value lies in."""
    return next((n for n, bound in enumerate(BOUNDS) if value <= bound), len(BOUNDS))
