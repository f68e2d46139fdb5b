"""The workers of this process's server: how many there are, and how others ended."""

from __future__ import annotations

import os
import pathlib
import socket
from collections.abc import Iterable
from typing import Any

import psutil

from spotter import recording
from spotter.recorders.host.cgroups import text_of
from spotter.recorders.host.ledger import Ledger
from spotter.recorders.host.servers import Server, find_server

#: How a worker ended: by itself; killed, or crashed; nobody can tell.
EXITED, KILLED, UNKNOWN = "exited", "killed", "unknown"
#: Servers that are kept in mind, and workers that said goodbye.
MAX_SERVERS, MAX_LEFT = 50, 500
#: What multiprocessing starts for itself.
NO_WORKERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


class Workers:
    """
    Looks after its siblings, since nothing of ours runs in the process that starts them.

    Whichever worker looks first finds who is gone, and the ledger says what was found
    before, so that each end counts once whoever dies.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.server: Server | None = None
        self._pid = 0

    def read(self) -> None:
        """Tell how many workers there are, and of those that ended since."""
        if self._pid != os.getpid():
            self._pid, self.server = os.getpid(), find_server()
        if self.server is None:
            return
        labels = {
            "host.name": socket.gethostname(),
            "server.name": self.server.name,
            "process.pid": self.server.pid,
        }
        alive = workers_of(self.server)
        recording.gauge("spotter.server.workers.alive", len(alive), labels)
        if self.server.configured is not None:
            wanted = self.server.configured
            recording.gauge("spotter.server.workers.configured", wanted, labels)
        with self.ledger.page() as page:
            ended = [] if page is None else ended_in(page, self.server, alive)
        del labels["process.pid"]
        for how in ends(self.server):
            # Known at 0, so that the first end is a change.
            recording.count(
                "spotter.workers.ended", {**labels, "how": how}, ended.count(how)
            )

    def leave(self) -> None:
        """Say that this process ends of itself, if it is a worker that others know."""
        if not self.ledger.path.exists():
            return
        with self.ledger.page(wait_seconds=0.5) as page:
            if page is not None and str(os.getppid()) in page.get("servers", {}):
                page["left"] = [*page.get("left", ()), name_of(os.getpid())][-MAX_LEFT:]


def ends(server: Server) -> tuple[str, ...]:
    """How a worker of it can end, as far as anybody can tell."""
    return (EXITED, KILLED) if server.says_goodbye else (UNKNOWN,)


def ended_in(page: dict[str, Any], server: Server, alive: Iterable[str]) -> list[str]:
    """How each worker ended that is gone since the last look; the page is brought up."""
    servers: dict[str, Any] = page.setdefault("servers", {})
    for pid in [each for each in servers if not psutil.pid_exists(int(each))]:
        del servers[pid]
    key, now, began = str(server.pid), sorted(alive), name_of(server.pid)
    known: dict[str, Any] = servers.get(key, {"began": ""})
    # A server that was not there before, or one with the number of another.
    is_new = known["began"] != began
    gone = [] if is_new else [each for each in known["workers"] if each not in now]
    servers[key] = {"began": began, "workers": now}
    for pid in list(servers)[:-MAX_SERVERS]:
        del servers[pid]
    left = page.get("left", [])
    page["left"] = [each for each in left if each not in gone]
    if not server.says_goodbye:
        return [UNKNOWN] * len(gone)
    return [EXITED if each in left else KILLED for each in gone]


def workers_of(server: Server) -> list[str]:
    """The processes that live and are workers of it, this one included."""
    if server.pid == os.getpid():
        return [name_of(os.getpid())]
    return [name for pid in children_of(server.pid) if (name := name_if_worker(pid))]


def children_of(pid: int) -> list[int]:
    """The processes that it started, ended ones that it did not ask about included."""
    files = list(pathlib.Path(f"/proc/{pid}/task").glob("*/children"))
    if files:
        return [int(child) for file in files for child in text_of(file).split()]
    # A kernel without these; psutil reads every process of the host instead.
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def name_if_worker(pid: int) -> str:
    """The name of a process that works; "" for one that is gone or does not."""
    command = text_of(pathlib.Path(f"/proc/{pid}/cmdline"))
    # What has ended and was not asked how has no command line any more.
    is_worker = command and not any(each in command for each in NO_WORKERS)
    return name_of(pid) if is_worker else ""


def name_of(pid: int) -> str:
    """
    A process that no later one of the same number is taken for; "" when it is gone.

    By the kernel's own clock: in seconds since 1970 it would change with the host's.
    """
    text = text_of(pathlib.Path(f"/proc/{pid}/stat"))
    return f"{pid}@{text.rpartition(')')[2].split()[19]}" if text else ""


_workers: Workers | None = None


def server() -> Server | None:
    """The server of this process, as it was found."""
    return _workers.server if _workers is not None else None


def install() -> None:
    """Look at the siblings, like any reading."""
    global _workers
    if not name_of(os.getpid()):
        return  # no Linux: nobody tells who is whose child
    _workers = Workers(Ledger(f"host-{recording.store_key()}"))
    recording.sampler(_workers.read)
    recording.at_exit(_workers.leave)
