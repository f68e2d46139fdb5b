"""Real servers, WSGI and ASGI, answer 400 probes while a dependency hangs."""

from __future__ import annotations

import concurrent.futures
import http.client
import statistics
import time

import psutil
import pytest

from tests.servers.processes import wait_until
from tests.servers.web import serving

WORKERS, THREADS = 2, 8


def get(port, path, seconds=3.0):
    """The status and how long it took; no answer in time is an error."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status, time.monotonic() - began


@pytest.fixture(params=["gunicorn", "uvicorn"])
def hanging(request, tmp_path):
    settings = {"DJANGO_SETTINGS_MODULE": "tests.project.hanging"}
    with serving(
        *("tests.project", tmp_path),
        server=request.param,
        env=settings,
        workers=WORKERS,
        threads=THREADS,
    ) as server:
        get(server.port, "/health/", seconds=30)
        yield server


@pytest.mark.acceptance
def test_400_probes_of_a_hung_dependency_hurt_nobody(hanging):
    """The dependency hangs for 30 s; a probe that waited for it would fail here."""
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        probes = pool.map(lambda _: get(hanging.port, "/ready/"), range(400))
        lives = [get(hanging.port, "/live/") for _ in range(40)]
        statuses = {status for status, _ in probes}
    assert statuses == {503}
    assert {status for status, _ in lives} == {200}
    # As many milliseconds as `benchmarks health` tells, were the machine not shared.
    assert statistics.median(seconds for _, seconds in lives) < 0.5
    # Each worker has the server's threads and the one that hangs. Under ASGI Django
    # itself takes a thread for each request that it is answering, and gives it back.
    children = psutil.Process(hanging.pid).children(recursive=True)
    wait_until(
        lambda: max(child.num_threads() for child in children) <= THREADS + 4,
        *(10, "the end of all other threads"),
    )
