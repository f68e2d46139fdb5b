"""What a watcher is called, so that others of its host know whether it still lives."""

from __future__ import annotations

import os
import socket
import uuid


def here() -> str:
    """The host and, as containers may share its name, the space of its process ids."""
    try:
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        space = 0
    return f"{socket.gethostname()}-{space}"


def new_name() -> str:
    """A name that no other watcher has."""
    return f"{here()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


def shown(name: str) -> str:
    """A watcher's name for people: its host and process."""
    place, _, pid = name.rpartition("-")[0].rpartition("-")
    host, _, space = place.rpartition("-")
    if not host or not space.isdigit() or not pid.isdigit():
        return name
    return f"{host}, process {pid}"


def is_dead(name: str) -> bool:
    """Whether a watcher was one of here, and its process is no more."""
    place, _, pid = name.rpartition("-")[0].rpartition("-")
    if place != here() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
