"""Any Django project behind a real gunicorn, uvicorn or granian."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.servers.processes import accepts, free_port, running

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class WebServer:
    """Where a server listens; `pid` is that of the process that starts the workers."""

    port: int
    pid: int
    home: pathlib.Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the server has written to its outputs so far."""
        return log_in(self.home).read_text(errors="replace")


def log_in(home: pathlib.Path) -> pathlib.Path:
    """The file that takes the server's outputs."""
    return home / "server.log"


def command(
    server: str, project: str, port: int, *, workers: int = 2, threads: int = 8
) -> list[str]:
    """
    The command line that serves `project`, a package with `wsgi` and `asgi` modules.

    Args:
        server: "gunicorn" (gthread, WSGI), "uvicorn" (ASGI), "granian" (WSGI),
            "granian-asgi" or "gunicorn-uvicorn" (ASGI).
        threads: of each worker under WSGI.
    """
    if server == "uvicorn":
        options = [
            "--port",
            str(port),
            "--workers",
            str(workers),
            "--log-level=warning",
        ]
        return [
            *(sys.executable, "-m", "uvicorn", f"{project}.asgi:application"),
            *options,
        ]
    if server.startswith("granian"):
        return granian(server, project, port, workers, threads)
    kind, module = "gthread", "wsgi"
    if server == "gunicorn-uvicorn":
        kind, module = "uvicorn.workers.UvicornWorker", "asgi"
    # The control socket is one path a user: two servers of one test run would meet.
    return [
        # Not python -m: on SIGUSR2 it starts itself anew as it was started.
        *(
            str(pathlib.Path(sys.executable).with_name("gunicorn")),
            f"{project}.{module}:application",
        ),
        *("--bind", f"127.0.0.1:{port}", "--worker-class", kind),
        *("--workers", str(workers), "--threads", str(threads)),
        *("--no-control-socket", "--graceful-timeout", "2", "--log-level", "warning"),
    ]


def granian(
    server: str, project: str, port: int, workers: int, threads: int
) -> list[str]:
    """granian's command line; a worker that is killed is replaced."""
    kind = "asgi" if server == "granian-asgi" else "wsgi"
    interface = "asginl" if kind == "asgi" else "wsgi"
    line = [
        *(sys.executable, "-m", "granian", f"{project}.{kind}:application"),
        *("--interface", interface, "--port", str(port), "--workers", str(workers)),
        *("--respawn-failed-workers", "--log-level", "warning"),
    ]
    return [*line, "--blocking-threads", str(threads)] if kind == "wsgi" else line


@contextlib.contextmanager
def serving(
    project: str,
    home: pathlib.Path,
    *,
    server: str = "gunicorn",
    env: Mapping[str, str] | None = None,
    workers: int = 2,
    threads: int = 8,
    options: Sequence[str] = (),
) -> Iterator[WebServer]:
    """
    Serve a project on a free port while the block runs.

    Args:
        options: more of the server's own, such as `--preload`.
    """
    port = free_port()
    line = command(server, project, port, workers=workers, threads=threads)
    with running(
        [*line, *options],
        lambda: accepts(port),
        env=child_environment(env or {}),
        log=str(log_in(home)),
        cwd=str(CHECKOUT),
    ) as process:
        yield WebServer(port, process.pid, home)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without its Django settings, and with yours."""
    inherited = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    return inherited | {"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'src'}"} | dict(extra)
