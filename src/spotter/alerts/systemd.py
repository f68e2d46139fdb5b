"""Tell systemd that the watcher is ready and goes on: `Type=notify`, `WatchdogSec=`."""

from __future__ import annotations

import os
import socket

from spotter.rescue import rescue


def tell_systemd(state: str) -> bool:
    """
    Send "READY=1", "WATCHDOG=1" or "STOPPING=1"; False where nobody wants to know.

    The protocol is sd_notify(3)'s: one datagram to a socket named in the environment.
    """
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place.startswith(("/", "@")):
        return False
    with rescue("tell systemd"):
        # "@" stands for the byte 0 of the abstract namespace.
        send(state.encode(), place.replace("@", "\0", 1))
    return True


def send(data: bytes, place: str) -> None:
    """One datagram, that waits for nobody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(1.0)
        sender.sendto(data, place)
