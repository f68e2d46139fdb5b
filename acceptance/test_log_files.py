"""The log files at the promised sizes, with as many processes as a busy server has."""

from __future__ import annotations

import concurrent.futures
import json

import httpx
import pytest

from tests.logs.writers import found, write_at_once
from tests.servers.web import serving

pytestmark = [pytest.mark.long, pytest.mark.acceptance]
MB = 1024 * 1024


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
def test_nothing_is_lost_at_ten_megabytes_times_five(tmp_path, processes):
    write_at_once(tmp_path / "a.log", processes, 275_000, 10 * MB, 5)
    assert found(tmp_path / "a.log") == (275_000 // processes * processes, 0)


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
def test_nothing_is_lost_at_a_hundred_kilobytes_times_a_hundred_thousand(
    tmp_path, processes
):
    write_at_once(tmp_path / "a.log", processes, 100_000, 100_000, 100_000)
    assert found(tmp_path / "a.log") == (100_000, 0)


def test_workers_that_were_forked_after_the_application_was_loaded_lose_nothing(
    tmp_path,
):
    """gunicorn --preload: the handlers were made, and used, in the parent."""
    env = {"LEAKY_HOME": str(tmp_path), "LEAKY_DEBUG": "0"}
    with serving(
        "acceptance.leaky", tmp_path, env=env, workers=4, options=("--preload",)
    ) as server:
        ids = [f"request-{number}" for number in range(400)]
        with concurrent.futures.ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda id_: ask(server.url, id_), ids))
    lines = (tmp_path / "logs" / "api.log").read_text().splitlines()
    logged = [json.loads(line) for line in lines]
    assert sorted(line["request_id"] for line in logged) == sorted(ids)
    assert len({line["process"] for line in logged}) > 1


def ask(url: str, request_id: str) -> None:
    headers = {"X-Request-ID": request_id}
    httpx.get(f"{url}/nowhere/", headers=headers, trust_env=False, timeout=30)
