"""One HTTP request as a monitor."""

from __future__ import annotations

import dataclasses
import json
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from spotter.probes import tls
from spotter.probes.attempt import guard, note_expiry
from spotter.probes.monitor import Monitor
from spotter.probes.reasons import Unexpected

#: How much of an answer is read.
MAX_BODY_BYTES = 256 * 1024
MAX_REDIRECTS = 10
MISSING = object()


class Plain(HTTPConnection):
    """A connection that is cut off when the probe's time is over."""

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        guard(made)
        return made


class Secure(HTTPSConnection):
    """The same with TLS; the certificate is that of this very connection."""

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        guard(made)
        return made

    def connect(self) -> None:
        super().connect()
        made: Any = self.sock
        note_expiry(tls.expiry(made.getpeercert()))


class PlainPool(urllib3.HTTPConnectionPool):
    """Makes plain connections."""

    ConnectionCls = Plain


class SecurePool(urllib3.HTTPSConnectionPool):
    """Makes connections with TLS."""

    ConnectionCls = Secure


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Http(Monitor):
    """
    One HTTP request.

    Args:
        expect: the status, or several.
        contains, matches: a text or regular expression that the body must have; of a
            longer one the first 256 KiB are looked at.
        json: values that paths of a JSON body must have: {"status": "healthy"};
            "a.0.b" leads into objects and lists.
        follow: how many redirects are followed. None by default: behind one there may
            be a log-in page with status 200.
        ca: a file of certificates in PEM to trust instead of the system's.
        proxy: the address of a proxy to go through. What the environment says of
            proxies is not heeded: the probe is to go the way that it is told.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    body: str = dataclasses.field(default="", repr=False)
    expect: int | Sequence[int] = 200
    contains: str = ""
    matches: str = ""
    json: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    follow: int = 0
    ca: str = ""
    proxy: str = dataclasses.field(default="", repr=False)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def check(self) -> float | None:
        # A connection of its own: a kept one would hide that no new one can be had.
        with self._pools() as pools:
            answer = pools.request(
                self.method,
                self.url,
                headers={
                    "User-Agent": "spotter-probe",
                    "Connection": "close",
                    **self.headers,
                },
                body=self.body or None,
                retries=self._retries(),
                redirect=self.follow > 0,
                preload_content=False,
            )
            try:
                self._judge_status(answer.status)
                if self.contains or self.matches or self.json:
                    self._judge(read(answer))
            finally:
                answer.close()
        return None

    def _pools(self) -> urllib3.PoolManager:
        options: dict[str, Any] = {
            "timeout": urllib3.Timeout(total=self.timeout_seconds)
        }
        if self.url.startswith("https") or self.follow:
            options["ssl_context"] = tls.context(self.ca)
        pools = (
            urllib3.ProxyManager(self.proxy, 1, **options)
            if self.proxy
            else urllib3.PoolManager(1, **options)
        )
        pools.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
        return pools

    def _retries(self) -> urllib3.Retry | bool:
        if not self.follow:
            return False
        # Too many are judged by the status that the last one had.
        return urllib3.Retry(
            connect=0, read=0, redirect=self.follow, raise_on_redirect=False
        )

    def _judge_status(self, status: int) -> None:
        wanted = [self.expect] if isinstance(self.expect, int) else list(self.expect)
        if status not in wanted:
            raise Unexpected(f"status {status}, not {' or '.join(map(str, wanted))}")

    def _judge(self, text: str) -> None:
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

    def problems(self) -> Iterator[str]:
        # Not super() without arguments: slots make a second class of this one.
        yield from Monitor.problems(self)
        yield from address_problems("url", self.url)
        if self.proxy:
            yield from address_problems("proxy", self.proxy)
        if not re.fullmatch("[A-Z]+", str(self.method)):
            yield f"method is {self.method!r}; it must be one such as 'GET'"
        yield from self._expectation_problems()
        follow: object = self.follow
        if not isinstance(follow, int) or not 0 <= follow <= MAX_REDIRECTS:
            yield f"follow is {self.follow!r}; it must be a number from 0 to {MAX_REDIRECTS}"
        if problem := tls.problem_of(self.ca):
            yield problem

    def _expectation_problems(self) -> Iterator[str]:
        wanted: list[object] = (
            [self.expect] if isinstance(self.expect, int) else list(self.expect)
        )
        if not wanted or not all(is_status(each) for each in wanted):
            yield f"expect is {self.expect!r}; it must be a status such as 200, or several"
        try:
            re.compile(self.matches)
        except (re.error, TypeError) as error:
            yield f"matches is {self.matches!r}, which is no regular expression: {error}"
        paths: object = self.json
        if not isinstance(paths, Mapping):
            yield "json must be a dict of paths and values, such as {'status': 'healthy'}"
        if not all(is_header(*each) for each in self.headers.items()):
            # Its value is not shown: it may be a token.
            yield "headers must be a dict of texts without line breaks"


def read(answer: urllib3.BaseHTTPResponse) -> str:
    """As much of the body as is looked at."""
    parts, length = [], 0
    while length < MAX_BODY_BYTES:
        part = answer.read(MAX_BODY_BYTES - length, decode_content=True)
        if not part:
            break
        parts.append(part)
        length += len(part)
    return b"".join(parts).decode("utf-8", "replace")


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


def address_problems(name: str, url: str) -> Iterator[str]:
    """Whether an address lacks what a request needs; a password in it is not shown."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_whole = is_whole and parts.port != 0
    except (ValueError, AttributeError):
        is_whole = False
    if not is_whole:
        yield f"{name} must begin with http:// or https://, and name a host"
    elif parts.username or parts.password:
        yield f"{name} holds a user's name or password; give it as a header"


def is_status(value: object) -> bool:
    """Whether an answer can have this status."""
    return isinstance(value, int) and 100 <= value <= 599


def is_header(name: object, value: object) -> bool:
    """Whether a header can be sent."""
    return all(
        isinstance(text, str) and not re.search(r"[\r\n\0]", text)
        for text in (name, value)
    )
