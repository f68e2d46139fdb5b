"""
Ask Memcached, by `stats`, over a socket of our own.

Not through pymemcache or pylibmc: a project has one or the other, and libmemcached
takes its time-outs for the whole client, which is the host's.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import IO, Any

from spotter.recorders.cache_servers.status import ServerError, Status

TIMEOUT_SECONDS = 1.0
PORT = 11211
#: Lines of one answer, and bytes of one line; the real ones are a third of that.
MAX_LINES, MAX_LINE = 400, 1024
LOOPBACK = ("localhost", "127.0.0.1", "::1")

#: What is asked into, and what the answer is read from.
Line = tuple[socket.socket, IO[bytes]]


def ask_django(cache: Any) -> list[Status]:
    """Every server of a cache of Django's own kinds."""
    tls = cache._options.get("tls_context")
    return [ask(str(server), tls) for server in cache.client_servers]


def ask(address: str, tls: ssl.SSLContext | None = None) -> Status:
    """Ask one server."""
    try:
        with connected(address, tls) as line:
            return status_of(address, stats(*line), stats(*line, "settings"))
    except ServerError:
        raise
    except (OSError, ValueError) as error:
        raise ServerError(type(error).__name__) from error


@contextlib.contextmanager
def connected(address: str, tls: ssl.SSLContext | None) -> Iterator[Line]:
    """A connection, to read from and write to."""
    host, port, path = place_of(address)
    if path:
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(TIMEOUT_SECONDS)
    else:
        plain = socket.create_connection((host, port), TIMEOUT_SECONDS)
    with plain:
        if path:
            plain.connect(path)
        connection = tls.wrap_socket(plain, server_hostname=host) if tls else plain
        with connection, connection.makefile("rb") as lines:
            yield connection, lines


def place_of(address: str) -> tuple[str, int, str]:
    """Host, port and path of an address as Django's settings have it."""
    path = address.removeprefix("unix:")
    if path.startswith("/"):
        return "localhost", 0, path
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal():
        host, port = address, str(PORT)
    return host.strip("[]"), int(port), ""


def stats(to: socket.socket, lines: IO[bytes], of: str = "") -> dict[str, str]:
    """
    One kind of statistics: lines of `STAT name value`, and `END`.

    Raises:
        ServerError: something else answers, such as a proxy or the binary protocol.
    """
    to.sendall(f"stats {of}".strip().encode() + b"\r\n")
    found: dict[str, str] = {}
    for _ in range(MAX_LINES):
        line = lines.readline(MAX_LINE).decode("ascii", "replace").split()
        if line == ["END"]:
            return found
        if len(line) < 2 or line[0] != "STAT":
            break
        found[line[1]] = " ".join(line[2:])
    raise ServerError("it does not answer `stats` in the text protocol")


def status_of(address: str, found: dict[str, str], settings: dict[str, str]) -> Status:
    """What `stats` and `stats settings` say."""
    host, _, path = place_of(address)
    return Status(
        address=address,
        system="memcached",
        # `-M` makes it refuse instead of evict; Redis has a word for that.
        policy="noeviction" if settings.get("evictions") == "off" else "lru",
        is_local=bool(path) or host in LOOPBACK,
        life=found.get("pid", ""),
        uptime=int(found.get("uptime", 0)),
        totals={
            "spotter.cache.server.hits": int(found["get_hits"]),
            "spotter.cache.server.misses": int(found["get_misses"]),
            "spotter.cache.evictions": int(found["evictions"]),
        },
        entries=int(found["curr_items"]),
        memory=int(found["bytes"]),
        limit=int(found["limit_maxbytes"]),
    )
