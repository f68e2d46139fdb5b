"""A connection to a port as a monitor, with TLS or without."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from collections.abc import Iterator

from spotter.probes import tls
from spotter.probes.attempt import guard
from spotter.probes.monitor import Monitor


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tcp(Monitor):
    """
    A connection to a port, with `tls` a handshake with a valid certificate.

    Args:
        address: "host:port"; "[::1]:5432" for IPv6.
        ca: a file of certificates in PEM to trust instead of the system's.
    """

    address: str
    tls: bool = False
    ca: str = ""

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0].strip("[]")

    def check(self) -> float | None:
        port = int(self.address.rpartition(":")[2])
        plain = socket.create_connection((self.host, port), self.timeout_seconds)
        with contextlib.closing(plain):
            guard(plain)
            if not self.tls:
                return None
            trusted = tls.context(self.ca)
            with trusted.wrap_socket(plain, server_hostname=self.host) as secure:
                return tls.expiry(secure.getpeercert())

    def problems(self) -> Iterator[str]:
        # Not super() without arguments: slots make a second class of this one.
        yield from Monitor.problems(self)
        host, _, port = str(self.address).rpartition(":")
        is_port = port.isascii() and port.isdigit() and 0 < int(port) < 65536
        if not host.strip("[]") or not is_port:
            yield f"address is {self.address!r}; it must be 'host:port'"
        if problem := tls.problem_of(self.ca):
            yield problem
