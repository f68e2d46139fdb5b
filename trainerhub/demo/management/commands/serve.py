"""What `make run` calls: everything that TrainerHub needs, in one command."""

from __future__ import annotations

import contextlib
import errno
import http.client
import logging
import os
import pathlib
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import environ
from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from django_tasks_db.models import DBTaskResult

from trainerhub.demo import logins
from trainerhub.demo.supervisor import Child, Supervisor

PAGES = [
    "/spotter/",
    "/status/",
    "/api/docs/",
    "/admin/",
    "/health/",
    "/ready/",
    "/live/",
    "/metrics/",
]
START_SECONDS = 30.0
# So long the addresses wait for the log lines of tasks, which would push them away.
CALM_SECONDS = 10.0


class Command(BaseCommand):
    help = (
        "Migrate, create demo data once, then run the web server, the task worker, "
        "the reminders and the watcher until Ctrl-C. Reads HOST, PORT and WEB_CONCURRENCY."
    )

    def handle(self, **options: Any) -> None:
        host, port, workers = address()
        refuse_busy_port(host, port)
        try:
            self.prepare()
        except KeyboardInterrupt:
            raise CommandError("stopped before it started", returncode=130) from None
        # A connection must not be shared with the children that follow.
        connections.close_all()
        children = [
            Child("the web server", web_server(host, port, workers)),
            Child(
                "the task worker", manage("db_worker", "--no-reload", "--queue-name=*")
            ),
        ]
        if "send_reminders" in get_commands():
            children.append(Child("the reminders", manage("repeat", "send_reminders")))
        if "spotter" in get_commands():
            children.append(Child("the watcher", manage("spotter", "watch")))
        supervisor = Supervisor(children, self.tell, environment())

        def announce() -> None:
            if await_listener(host, port, supervisor):
                await_calm(supervisor)
                self.introduce(host, port)

        if not supervisor.run(announce):
            raise CommandError("TrainerHub has stopped: see the messages above.")
        self.tell("stopped")

    def tell(self, line: str) -> None:
        self.stdout.write(f"trainerhub: {line}")
        self.stdout.flush()

    def prepare(self) -> None:
        with calm_console():
            self.fill()

    def fill(self) -> None:
        call_command("migrate", verbosity=0, interactive=False, stdout=self.stdout)
        if settings.PRODUCTION or not pathlib.Path(settings.STATIC_ROOT).exists():
            call_command(
                "collectstatic", verbosity=0, interactive=False, stdout=self.stdout
            )
        if not settings.PRODUCTION:
            call_command("seed_demo", stdout=self.stdout)

    def introduce(self, host: str, port: int) -> None:
        """Say where everything is and who can log in."""
        self.stdout.write("")
        for page in PAGES:
            self.stdout.write(f"  http://{visible(host)}:{port}{page}")
        if not settings.PRODUCTION:
            self.stdout.write("")
            for kind, login in logins.load().items():
                self.stdout.write(f"  {kind:<8} {login.email:<28} {login.password}")
            if not logins.load():
                self.stdout.write(
                    "  The demo's passwords are lost; make new ones with: "
                    "manage.py seed_demo --new-passwords"
                )
        self.stdout.write("\n  Ctrl-C stops everything.\n")
        self.stdout.flush()


@contextlib.contextmanager
def calm_console() -> Iterator[None]:
    """Leave to the files what is logged while all is made, but for what is wrong."""
    handlers = [h for h in logging.getLogger().handlers if is_console(h)]
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(max(handler.level, logging.WARNING))
    try:
        yield
    finally:
        for handler, level in zip(handlers, levels, strict=True):
            handler.setLevel(level)


def is_console(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr


def address() -> tuple[str, int, int]:
    """Read host, port and number of web workers from the environment."""
    env = environ.Env()
    host = env.str("HOST", default="127.0.0.1").strip("[]")
    port = number("PORT", 8000, 1, 65535)
    return host, port, number("WEB_CONCURRENCY", 2, 1, 64)


def number(name: str, default: int, least: int, most: int) -> int:
    """Read a whole number from the environment, or say what is wrong with it."""
    text = os.environ.get(name, "") or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise CommandError(f"{name} is {text!r}; give a number from {least} to {most}.")
    return int(text)


def refuse_busy_port(host: str, port: int) -> None:
    """Stop before anything was changed when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As gunicorn does: what a server before us left in TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(why_not(error, host, port)) from error


def why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is in use by another program; "
            f"name another one: PORT={port + 1 if port < 65535 else 8000} make run"
        )
    return f"cannot listen on {host}, port {port}: {error.strerror or error}"


def environment() -> dict[str, str]:
    """What the children get: this process's environment, and unbuffered output."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.CHECKOUT / "manage.py"), *arguments]


def web_server(host: str, port: int, workers: int) -> list[str]:
    """The command of the web server; docs/explanation/which-server.md says why."""
    shown = f"[{host}]" if ":" in host else host
    config = settings.CHECKOUT / "deploy" / "gunicorn.conf.py"
    return [
        *(sys.executable, "-m", "gunicorn", "trainerhub.wsgi", "--config", str(config)),
        *("--bind", f"{shown}:{port}", "--workers", str(workers)),
    ]


def await_listener(host: str, port: int, supervisor: Supervisor) -> bool:
    """Wait until the web server answers; give up when told to stop or it has ended."""
    deadline = time.monotonic() + START_SECONDS
    while not supervisor.is_stopping and time.monotonic() < deadline:
        if not supervisor.children[0].is_running():
            return False
        if answers(host, port):
            return True
        time.sleep(0.1)
    return False


def await_calm(supervisor: Supervisor) -> None:
    """Wait until no task is due, such as the reminders of what was just created."""
    deadline = time.monotonic() + CALM_SECONDS
    try:
        # The reminders are a process that starts beside the web server.
        time.sleep(1.0)
        while not supervisor.is_stopping and time.monotonic() < deadline:
            is_well = all(child.is_running() for child in supervisor.children)
            if not is_well or not DBTaskResult.objects.ready().exists():
                return
            time.sleep(0.2)
    except DatabaseError:
        return  # Whoever needs it says so; this is about the order of lines.
    finally:
        connections.close_all()


def answers(host: str, port: int) -> bool:
    """Whether a request is answered; it listens some time before it can."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=5)
    try:
        connection.request("GET", "/live/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def reachable(host: str) -> str:
    """The address under which this machine reaches a server that listens there."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 (compared, not bound)


def visible(host: str) -> str:
    """The host as it is written in an address."""
    host = reachable(host)
    return f"[{host}]" if ":" in host else host
