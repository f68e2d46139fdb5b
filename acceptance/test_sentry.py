"""Errors, transactions, logs and check-ins in a real server that others wrote."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import canaries
from tests.servers.processes import (
    accepts,
    free_port,
    program,
    running,
    wait_until,
)

pytestmark = pytest.mark.acceptance
FOLDER = pathlib.Path(__file__).parent / "sentry"
CHECKOUT = FOLDER.parent.parent


class Spotlight:
    """Sentry's own development server, read back by its event stream."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.dsn = f"http://{'a' * 32}@127.0.0.1:{port}/1"

    def items(self) -> dict[str, list[Any]]:
        """What it holds, by type."""
        found: dict[str, list[Any]] = {}
        for envelope in self._envelopes():
            for header, payload in envelope[1]:
                found.setdefault(header["type"], []).append(payload)
        return found

    def _envelopes(self) -> Iterator[Any]:
        # It replays at once what it holds, and then waits for more.
        url = f"http://127.0.0.1:{self.port}/stream"
        with (
            contextlib.suppress(httpx.ReadTimeout),
            httpx.stream("GET", url, timeout=1) as stream,
        ):
            for line in stream.iter_lines():
                if line.startswith("data:") and len(line) > len("data:") + 1:
                    yield json.loads(line.removeprefix("data:"))


@pytest.fixture(scope="module")
def spotlight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spotlight]:
    """A Spotlight on a free port."""
    node = program("node")
    if not (FOLDER / "node_modules").is_dir():
        pytest.skip("Spotlight is not installed: run `make services`")
    port = free_port()
    log = str(tmp_path_factory.mktemp("spotlight") / "log")
    command = [node, str(FOLDER / "spotlight.mjs"), str(port)]
    with running(command, lambda: accepts(port), log=log):
        yield Spotlight(port)


@pytest.fixture(scope="module")
def site(spotlight: Spotlight) -> Iterator[str]:
    """The careless project under gunicorn, reporting to Spotlight."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--bind"]
    command += [f"127.0.0.1:{port}", "tests.errors.served:application"]
    env = os.environ | {
        "SPOTTER_SERVED": "1",
        "SENTRY_DSN": spotlight.dsn,
        "SENTRY_ENVIRONMENT": "acceptance",
        "SENTRY_TRACES_SAMPLE_RATE": "1",
        "PYTHONPATH": os.pathsep.join((str(CHECKOUT), str(CHECKOUT / "src"))),
    }
    env.pop("DJANGO_SETTINGS_MODULE", None)
    with running(command, lambda: accepts(port), env=env):
        yield f"http://127.0.0.1:{port}"


def test_the_documents_examples_are_read_back(spotlight: Spotlight, site: str):
    """Five examples, one request: two errors, a task, a check-in and log records."""
    assert httpx.get(f"{site}/examples/", timeout=30).status_code == 200
    wanted = {"event", "transaction", "check_in", "log"}
    wait_until(lambda: wanted <= spotlight.items().keys(), 30, "all types at Spotlight")
    items = spotlight.items()
    errors = [e for e in items["event"] if e["transaction"] == "/examples/"]
    raised = [error["exception"]["values"][0]["type"] for error in errors]
    assert sorted(raised) == ["KeyError", "ValueError"]
    assert "process_payment" in {t["transaction"] for t in items["transaction"]}


def test_no_secret_is_read_back(spotlight: Spotlight, site: str):
    """0 of 25, in all that Spotlight holds."""
    answer = httpx.post(
        f"{site}/boom/?{canaries.query()}",
        headers=canaries.headers(),
        json=canaries.body(),
        timeout=30,
    )
    assert answer.status_code == 500
    wait_until(lambda: "RuntimeError" in str(spotlight.items()), 30, "the error")
    assert canaries.leaked(json.dumps(spotlight.items())) == []
