"""Monitors: what to ask, what to expect, and what one probe found."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import urllib3

#: How much of an answer is read.
MAX_BODY_BYTES = 256 * 1024
MISSING = object()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """
    What one probe found.

    Args:
        problem: why it failed; "" when it did not.
        expires_at: when the certificate does, in Unix seconds.
    """

    seconds: float
    problem: str = ""
    expires_at: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """
    Write `check()`, and list an instance in `SPOTTER["MONITORS"]`.

    Args:
        name: what it is called; unique.
        timeout_seconds: the longest that one probe may take.
        is_public: whether the status page shows it.
    """

    name: str
    timeout_seconds: float = 5.0
    is_public: bool = True

    def probe(self) -> Probe:
        """Ask once; never raises."""
        started = time.perf_counter()
        try:
            expires_at = self.check()
            problem = ""
        except Unexpected as error:
            expires_at, problem = None, str(error)
        except Exception as error:  # noqa: BLE001 (whatever it is, the probe failed)
            expires_at, problem = None, f"no answer: {type(error).__name__}"
        seconds = time.perf_counter() - started
        if not problem and seconds > self.timeout_seconds:
            problem = f"took {seconds:.1f} s"
        return Probe(seconds=seconds, problem=problem, expires_at=expires_at)

    def check(self) -> float | None:
        """Ask; raise for what is wrong; give when the certificate expires."""
        raise NotImplementedError

    @property
    def host(self) -> str:
        """The host that is asked."""
        return ""


class Unexpected(Exception):  # noqa: N818 (a finding)
    """The answer is not the expected one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Http(Monitor):
    """
    One HTTP request.

    Args:
        expect: the status, or several.
        contains, matches: a text or regular expression that the body must have.
        json: values that paths of a JSON body must have: {"status": "healthy"};
            "a.0.b" leads into objects and lists.
        follow: how many redirects are followed. None by default: behind one there may
            be a log-in page with status 200.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    body: str = ""
    expect: int | Sequence[int] = 200
    contains: str = ""
    matches: str = ""
    json: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    follow: int = 0

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def check(self) -> float | None:
        timeout = urllib3.Timeout(total=self.timeout_seconds)
        # A connection of its own: a kept one would hide that no new one can be had.
        with urllib3.PoolManager(1, timeout=timeout) as pool:
            answer = pool.request(
                self.method,
                self.url,
                headers={
                    "User-Agent": "spotter-probe",
                    "Connection": "close",
                    **self.headers,
                },
                body=self.body or None,
                retries=urllib3.Retry(
                    self.follow, connect=0, read=0, raise_on_redirect=False
                )
                if self.follow
                else False,
                redirect=self.follow > 0,
                preload_content=False,
            )
            try:
                text = answer.read(MAX_BODY_BYTES, decode_content=True)
                self._judge(answer.status, text.decode("utf-8", "replace"))
            finally:
                answer.release_conn()
        return expiry(self.url, self.timeout_seconds)

    def _judge(self, status: int, text: str) -> None:
        wanted = [self.expect] if isinstance(self.expect, int) else list(self.expect)
        if status not in wanted:
            raise Unexpected(f"status {status}, not {' or '.join(map(str, wanted))}")
        if self.contains and self.contains not in text:
            raise Unexpected(f"the answer does not contain {self.contains!r}")
        if self.matches and not re.search(self.matches, text):
            raise Unexpected(f"the answer does not match {self.matches!r}")
        if self.json:
            self._judge_json(text)

    def _judge_json(self, text: str) -> None:
        try:
            data = json.loads(text)
        except ValueError as error:
            raise Unexpected("the answer is no JSON") from error
        for path, wanted in self.json.items():
            found = at(data, path)
            if found is MISSING or found != wanted:
                shown = "nothing" if found is MISSING else repr(found)[:60]
                raise Unexpected(f"{path} is {shown}, not {wanted!r}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tcp(Monitor):
    """A connection to a port, with `tls` a handshake with a valid certificate."""

    address: str
    tls: bool = False

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0].strip("[]")

    def check(self) -> float | None:
        port = int(self.address.rpartition(":")[2])
        if self.tls:
            return certificate(self.host, port, self.timeout_seconds)
        socket.create_connection((self.host, port), self.timeout_seconds).close()
        return None


def at(data: Any, path: str) -> Any:
    """What a path such as "checks.database.status" leads to."""
    for step in path.split("."):
        if isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        elif isinstance(data, dict) and step in data:
            data = data[step]
        else:
            return MISSING
    return data


def expiry(url: str, timeout_seconds: float) -> float | None:
    """When the certificate of an https address expires."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    return certificate(parts.hostname, parts.port or 443, timeout_seconds)


def certificate(
    host: str,
    port: int,
    timeout_seconds: float,
    context: ssl.SSLContext | None = None,
) -> float | None:
    """Shake hands, and give when the server's certificate expires."""
    context = context or ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout_seconds) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        found: Any = secure.getpeercert() or {}
    text = found.get("notAfter")
    if not text:
        return None
    moment = datetime.datetime.strptime(text, "%b %d %H:%M:%S %Y %Z")  # noqa: DTZ007 (it is UTC, set below)
    return moment.replace(tzinfo=datetime.UTC).timestamp()
