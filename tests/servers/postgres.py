"""A PostgreSQL server of the tests' own."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from tests.servers.processes import free_port, running

NOBODY = 65534
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def binaries() -> pathlib.Path:
    """Find initdb and postgres, which Debian keeps off the PATH."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    path = shutil.which("postgres")
    if path:
        return pathlib.Path(path).parent
    pytest.skip("PostgreSQL is not installed: run `make services`")


@dataclass(frozen=True, slots=True)
class Postgres:
    """Where a running server listens; `pid` is the postmaster's, to stop or freeze."""

    port: int
    pid: int

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def stop(self) -> None:
        """Shut it down fast, as an operator does; `started_again` starts it."""
        os.kill(self.pid, signal.SIGINT)

    def create_database(self, name: str) -> str:
        """Create an empty database and give its URL."""
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)


@contextlib.contextmanager
def running_postgres(port: int | None = None) -> Iterator[Postgres]:
    """Start a server on an empty cluster; SIGINT, its fast shutdown, ends it."""
    folder = binaries()
    # PostgreSQL refuses to run as root.
    user = NOBODY if os.getuid() == 0 else None
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="spotter-pg-") as home:
        if user is not None:
            os.chown(home, user, user)
        data = f"{home}/data"
        subprocess.run(
            [
                *(folder / "initdb", "-D", data, "-U", "postgres", "-A", "trust"),
                *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
            ],
            check=True,
            capture_output=True,
            user=user,
            group=user,
            extra_groups=[] if user is not None else None,
        )
        options = [f"-c{option}" for option in (*FAST, "max_connections=200")]
        command = [
            *(str(folder / "postgres"), "-D", data, "-p", str(port), "-k", home),
            *("-c", "listen_addresses=127.0.0.1", *options),
        ]

        def is_ready() -> bool:
            check = [f"{folder}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            return subprocess.run(check, check=False).returncode == 0

        with running(
            command, is_ready, user=user, stop_with=signal.SIGINT, cwd=home
        ) as process:
            yield Postgres(port, process.pid)


def send(server: Postgres, number: int) -> None:
    """Send a signal to the whole server: each backend has a process group of its own."""
    postmaster = psutil.Process(server.pid)
    all_ = [postmaster, *postmaster.children(recursive=True)]
    for process in all_:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    if number == signal.SIGKILL:
        psutil.wait_procs(all_, timeout=10)


def started_again(
    folder: str, port: str
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """The same server on the data of one that was stopped, or crashed."""
    command = [str(binaries() / "postgres"), "-D", folder, "-p", port, "-k", folder]
    check = [str(binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", port]
    return running(
        command,
        lambda: subprocess.run(check, check=False).returncode == 0,
        user=NOBODY if os.getuid() == 0 else None,
        stop_with=signal.SIGINT,
        cwd=folder,
    )
