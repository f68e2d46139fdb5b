"""A strict Sentry and a project served by gunicorn that reports to it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests import canaries
from tests.servers.processes import accepts, free_port, running
from tests.servers.sentry_sink import SentrySink, sentry_sink


class Site:
    """The served project."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid

    def get(self, path: str) -> int:
        return httpx.get(self.url(path), timeout=30).status_code

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def post_canaries(self) -> int:
        url = self.url(f"/boom/?{canaries.query()}")
        sent = httpx.post(
            url, headers=canaries.headers(), json=canaries.body(), timeout=30
        )
        return sent.status_code

    def threads(self) -> int:
        """How many threads the workers have together."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as file:
            workers = file.read().split()
        return sum(len(os.listdir(f"/proc/{worker}/task")) for worker in workers)


@pytest.fixture
def sink() -> Iterator[SentrySink]:
    """A Sentry that keeps what it was sent."""
    with sentry_sink() as server:
        yield server


@pytest.fixture
def serve(tmp_path: Any) -> Iterator[Callable[..., Site]]:
    """Serve the careless project: `serve(dsn, "--preload", SENTRY_RELEASE="1")`."""
    with contextlib.ExitStack() as stack:

        def start(dsn: str, *arguments: str, **variables: str) -> Site:
            port = free_port()
            command = [sys.executable, "-m", "gunicorn", "--no-control-socket"]
            command += ["--bind", f"127.0.0.1:{port}", *arguments]
            command += ["tests.errors.served:application"]
            env = os.environ | {
                "SPOTTER_SERVED": "1",
                "SENTRY_DSN": dsn,
                "SENTRY_ENVIRONMENT": "staging",
                "SENTRY_TRACES_SAMPLE_RATE": "1.0",
                "SENTRY_RELEASE": "trainerhub@1.2.3",
                "PYTHONPATH": os.pathsep.join((os.getcwd(), "src")),
            }
            env.pop("DJANGO_SETTINGS_MODULE", None)
            process = stack.enter_context(
                running(
                    command,
                    lambda: accepts(port),
                    env=env | variables,
                    log=str(tmp_path / "gunicorn.log"),
                )
            )
            return Site(port, process.pid)

        yield start
