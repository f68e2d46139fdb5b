"""Which web server this process works for, and what that was told to start."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import psutil


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """
    A web server, as one of its workers knows it.

    Args:
        name: "gunicorn", "uvicorn" or "granian".
        pid: of the process that starts the workers; the worker itself where it is both.
        configured: how many workers it was told to have; None when that is not known.
        threads: how many requests one worker takes at once; 0 for an event loop, which
            has no such number.
        says_goodbye: whether a worker that ends of itself runs what is to run at exit,
            so that one that did not was killed.
    """

    name: str
    pid: int
    configured: int | None
    threads: int = 0
    says_goodbye: bool = False


def find_server() -> Server | None:
    """The server that this process is a worker of, if it is one that is known."""
    return of_gunicorn() or of_uvicorn() or of_granian()


def of_gunicorn() -> Server | None:
    """By the worker whose loop the main thread is in."""
    base: Any = sys.modules.get("gunicorn.workers.base")
    if base is None:
        return None
    owners = (frame.f_locals.get("self") for frame in main_frames())
    # By the type: isinstance() would ask a lazy user for its class, and so read it from
    # the database, here and now and with a connection of this thread's own.
    worker: Any = next((o for o in owners if issubclass(type(o), base.Worker)), None)
    if worker is None:
        return None
    threads = threads_of(worker)
    return Server(
        name="gunicorn",
        pid=int(worker.ppid),
        configured=int(worker.cfg.workers),
        threads=threads,
        # uvicorn's worker ends itself by the signal that it was sent.
        says_goodbye=threads > 0,
    )


def threads_of(worker: Any) -> int:
    """How many requests a worker of gunicorn takes at once; 0 for an event loop."""
    # A project's own is known by which of gunicorn's it is made of.
    for kind in type(worker).__mro__:
        if kind.__module__.startswith("gunicorn."):
            kinds = {"SyncWorker": 1, "ThreadWorker": int(worker.cfg.threads)}
            return kinds.get(kind.__name__, 0)
    return 0


def of_uvicorn() -> Server | None:
    """By who handles SIGTERM."""
    owner = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if owner is None or not type(owner).__module__.startswith("uvicorn."):
        return None
    is_child = multiprocessing.parent_process() is not None
    return Server(
        name="uvicorn",
        pid=os.getppid() if is_child else os.getpid(),
        configured=int(owner.config.workers or 1),
    )


def of_granian() -> Server | None:
    """By the function that its worker is in, and by the command that started it."""
    if "granian.server.common" not in sys.modules:
        return None
    for frame in main_frames():
        name = frame.f_code.co_name
        if name.startswith("_spawn_") and name.endswith("_worker"):
            is_wsgi = name == "_spawn_wsgi_worker"
            threads = int(frame.f_locals.get("blocking_threads") or 1)
            return Server(
                name="granian",
                pid=os.getppid(),
                configured=workers_of_granian(),
                threads=threads if is_wsgi else 0,
                says_goodbye=True,
            )
    return None


def workers_of_granian() -> int | None:
    """Of its server where the worker was forked from it, else of its command line."""
    for frame in main_frames():
        owner: Any = frame.f_locals.get("self")
        is_granians = type(owner).__module__.startswith("granian.server.")
        if is_granians and isinstance(workers := getattr(owner, "workers", None), int):
            return workers
    try:
        arguments = psutil.Process(os.getppid()).cmdline()
    except psutil.Error:
        return None
    given = os.environ.get("GRANIAN_WORKERS", "1")
    return option_of([*arguments, f"--workers={given}"], "--workers")


def option_of(arguments: Sequence[str], name: str) -> int | None:
    """The number that a command line gives an option."""
    for number, argument in enumerate(arguments):
        word, _, value = argument.partition("=")
        if word == name:
            value = value or "".join(arguments[number + 1 : number + 2])
            return int(value) if value.isdecimal() else None
    return None


def main_frames() -> Iterator[FrameType]:
    """What the main thread is in, the innermost first."""
    main = threading.main_thread().ident
    frame: FrameType | None = sys._current_frames().get(main or 0)
    while frame is not None:
        yield frame
        frame = frame.f_back
