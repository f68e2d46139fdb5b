"""A Redis server of the tests' own."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from tests.servers.processes import accepts, free_port, program, running


@dataclass(frozen=True, slots=True)
class Redis:
    """Where a running server listens."""

    port: int
    pid: int

    def url(self, port: int | None = None) -> str:
        return f"redis://127.0.0.1:{port or self.port}/0"


@contextlib.contextmanager
def running_redis(port: int | None = None) -> Iterator[Redis]:
    """Start an empty server that keeps nothing on disk."""
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="spotter-redis-") as home:
        command = [
            *(program("redis-server", "valkey-server"), "--port", str(port)),
            *("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", home),
        ]
        with running(command, lambda: accepts(port)) as process:
            yield Redis(port, process.pid)
