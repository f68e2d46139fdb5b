"""A whole TrainerHub of a test's own, as `make run` starts it."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from tests.servers.processes import free_port, running, tail

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
# What a developer's shell or .env may hold must not reach a test.
OUTSIDE = (
    *("REDIS_URL", "SENDGRID_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
    *("STRIPE_API_KEY", "SENTRY_DSN"),
)


@dataclass(frozen=True, slots=True)
class TrainerHub:
    """Where a running copy listens, where its files are and how it was started."""

    url: str
    home: pathlib.Path
    env: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        return tail(str(self.home / "output.txt"), 200_000)

    def manage(
        self, *arguments: str, timeout: float = 100, **options
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its commands to the end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **options,
        )


def environment(home: pathlib.Path, port: int, **more: str) -> dict[str, str]:
    """The environment of a copy with a home and port of its own."""
    env = {
        **os.environ,
        **dict.fromkeys(OUTSIDE, ""),
        "TRAINERHUB_ENVIRONMENT": "development",
        "TRAINERHUB_HOME": str(home),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "DJANGO_SETTINGS_MODULE": "trainerhub.settings",
        **more,
    }
    for name in ("DATABASE_URL", "TRAINERHUB_FAULTS"):
        if name not in more:
            env.pop(name, None)
    return env


@contextlib.contextmanager
def running_trainerhub(home: pathlib.Path, **more: str) -> Iterator[TrainerHub]:
    """Serve with two workers and demo data while the block runs."""
    port = free_port()
    env = environment(home, port, **more)
    log = home / "output.txt"
    log.unlink(missing_ok=True)

    def is_ready() -> bool:
        return "Ctrl-C stops everything" in tail(str(log), 20_000)

    command = [sys.executable, "manage.py", "serve"]
    with running(
        command, is_ready, seconds=60, env=env, log=str(log), cwd=str(CHECKOUT)
    ) as process:
        yield TrainerHub(f"http://127.0.0.1:{port}", home, env, process)


def get(url: str) -> httpx.Response:
    """Ask a loopback server, whatever proxy the environment names."""
    return httpx.get(url, trust_env=False, timeout=60)
