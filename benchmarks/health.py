"""How fast `/ready/` and `/live/` answer while the database hangs."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import multiprocessing
import pathlib
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator

from tests.servers.postgres import running_postgres
from tests.servers.proxy import FaultProxy, fault_proxy
from tests.servers.trainerhub import running_trainerhub
from tests.servers.web import WebServer

PROBES = 400
CLIENTS = 8
LIVES = 400
CONTEXT = multiprocessing.get_context("spawn")


def timed(server: WebServer, path: str) -> float:
    """Milliseconds until the whole answer is there."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", path)
    connection.getresponse().read()
    connection.close()
    return 1000 * (time.perf_counter() - began)


@contextlib.contextmanager
def trainerhub_on_proxy(server: str) -> Iterator[tuple[WebServer, FaultProxy]]:
    """TrainerHub, two workers, with a fault proxy before its PostgreSQL."""
    with (
        running_postgres() as postgres,
        fault_proxy(postgres.port) as proxy,
        tempfile.TemporaryDirectory() as home,
    ):
        name = f"bench_{uuid.uuid4().hex[:8]}"
        postgres.create_database(name)
        env = {"DATABASE_URL": postgres.url(name, proxy.port)}
        with running_trainerhub(pathlib.Path(home), env, server=server) as running:
            for _ in range(40):
                timed(running, "/ready/")
            yield running, proxy


def timed_lives(server: WebServer) -> list[float]:
    """`/live/` again and again, as a kubelet asks: whatever `/ready/` is doing."""
    lives = []
    for _ in range(LIVES):
        lives.append(timed(server, "/live/"))
        # Spread beyond the budget, when all that waited are answered at once.
        time.sleep(0.004)
    return lives


def measure(title: str, server: WebServer) -> None:
    """Print one line: the quantiles of `/ready/`, and of `/live/` at the same time."""
    with (
        concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool,
        # A process of its own: beside the threads that ask for /ready/ it would wait
        # for their interpreter and measure that.
        concurrent.futures.ProcessPoolExecutor(1, CONTEXT) as other,
    ):
        other.submit(len, "").result()  # it has started
        probes = pool.map(lambda _: timed(server, "/ready/"), range(PROBES))
        lives = other.submit(timed_lives, server).result()
        ready = sorted(probes)
    print(
        f"{title:24} /ready/ p50 {statistics.median(ready):7.1f}  "
        f"p99 {ready[int(0.99 * PROBES)]:7.1f}  max {ready[-1]:7.1f} ms   "
        f"/live/ p50 {statistics.median(lives):5.1f}  "
        f"p99 {sorted(lives)[int(0.99 * LIVES)]:5.1f}  max {max(lives):6.1f} ms"
    )


def main() -> None:
    """Measure with everything well and with a hung database, WSGI and ASGI."""
    for server in ("gunicorn", "uvicorn"):
        with trainerhub_on_proxy(server) as (running, proxy):
            measure(f"{server}, all well", running)
            proxy.misbehave("hang")
            time.sleep(1.1)  # until what was known before has expired
            measure(f"{server}, database hangs", running)
