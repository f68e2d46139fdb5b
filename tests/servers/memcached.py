"""A Memcached server of the tests' own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.servers.processes import accepts, free_port, program, running


@dataclass(frozen=True, slots=True)
class Memcached:
    """Where a running server listens."""

    port: int
    pid: int

    @property
    def location(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextlib.contextmanager
def running_memcached(port: int | None = None, *options: str) -> Iterator[Memcached]:
    """Start an empty server of the smallest memory."""
    port = port or free_port()
    command = [
        *(program("memcached"), "--listen", "127.0.0.1", "--port", str(port)),
        # It refuses to run as root.
        *("--user", "nobody", "--memory-limit", "2", *options),
    ]
    with running(command, lambda: accepts(port)) as process:
        yield Memcached(port, process.pid)
