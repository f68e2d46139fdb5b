"""Faults that are made through the running server, by signed requests to it."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
from urllib.parse import urljoin, urlsplit

import urllib3
from django.urls import NoReverseMatch, reverse

from spotter import conf
from spotter.alerts.book import Book
from spotter.alerts.drilled import DRILL_JOB
from spotter.alerts.expressions import FailedShare, SlowShare
from spotter.alerts.heartbeats import Heartbeat
from spotter.alerts.rules import Rule
from spotter.alerts.shipped import REQUESTS, STATUS, shipped
from spotter.dashboard.ping import key_of
from spotter.drills.drill import Undrillable
from spotter.drills.real import Fault, Real, enough_bad
from spotter.probes import Http
from spotter.recorders.drills import MAX_SECONDS, SENT_HEADER, Order
from spotter.rescue import ignore
from spotter.stores.sql import SqlStore

#: Requests at once, of all drills: a drill must not be what slows a service down.
AT_ONCE = 3
#: Good requests in one step, after the fault.
CALM_REQUESTS = 40
ANSWERS = {
    301: "it redirects; name where to with --url",
    302: "it redirects; name where to with --url",
    400: "it takes no such Host; name another address with --url",
    404: "it knows no drills: has it the same SECRET_KEY, this release, spotter.urls and "
    "the middleware?",
    429: "too many slow ones at once",
}


class Server:
    """
    The project's own server, where people reach it.

    Args:
        base: its address; else PUBLIC_URL's, else that of the first HTTP monitor.
    """

    def __init__(self, base: str = "") -> None:
        self.base = base or known_address()
        self.pool = urllib3.PoolManager(
            AT_ONCE,
            maxsize=AT_ONCE,
            block=True,
            retries=False,
            timeout=urllib3.Timeout(connect=4, read=MAX_SECONDS + 10),
        )
        self._threads = concurrent.futures.ThreadPoolExecutor(
            AT_ONCE, thread_name_prefix="spotter-drill"
        )

    def trouble(self) -> str:
        """Why no drill can go through it; "" when one can."""
        if not self.base:
            return (
                "no server is known: name it with --url, or set PUBLIC_URL or an "
                "HTTP monitor"
            )
        try:
            self.order(Order(drill="reachable", status=204))
        except Undrillable as error:
            return str(error)
        return ""

    def order(self, order: Order) -> None:
        """Have one request answered as ordered; raises Undrillable when it is not."""
        path = path_of("spotter:drill")
        answer = self._ask("GET", path, {SENT_HEADER: order.signed()})
        # With DEBUG off an exception's page is the project's own.
        if answer.status != order.status:
            why = ANSWERS.get(answer.status, f"not {order.status}")
            raise Undrillable(f"{self.base} answered {answer.status}: {why}")

    def orders(self, orders: list[Order]) -> None:
        """Have all of them answered, a few at once."""
        list(self._threads.map(self.order, orders))

    def ping(self, name: str, kind: str) -> None:
        """A job's sign of life through the real endpoint."""
        view = "spotter:ping-kind" if kind else "spotter:ping"
        path = path_of(view, key=key_of(name), kind=kind)
        answer = self._ask("POST", f"{path}?size=1000", {})
        if answer.status != 200:
            raise Undrillable(f"{self.base} answered {answer.status} to a ping")

    def _ask(
        self, method: str, path: str, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse:
        # A kept connection may be one that the server closes at this moment.
        headers = {"User-Agent": "spotter-drill", "Connection": "close", **headers}
        url = urljoin(self.base, path)
        try:
            # Its threads know nothing of what their caller ignores.
            with ignore():
                return self.pool.request(method, url, headers=headers, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Undrillable(
                f"{self.base} does not answer ({type(error).__name__}): start the "
                "server, or name it with --url"
            ) from error

    def close(self) -> None:
        """Let go of connections and threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.pool.clear()


def known_address() -> str:
    """Where people, or the probes, reach the server."""
    settings = conf.get_settings()
    probes = [each.url for each in settings.monitors if isinstance(each, Http)]
    for url in (settings.public_url, *probes):
        parts = urlsplit(url)
        if parts.scheme and parts.netloc:
            return f"{parts.scheme}://{parts.netloc}/"
    return ""


def path_of(name: str, **arguments: str) -> str:
    """The path of one of Spotter's pages."""
    try:
        return reverse(name, kwargs={k: v for k, v in arguments.items() if v} or None)
    except NoReverseMatch as error:
        raise Undrillable(
            'the project does not include("spotter.urls"), where drills are asked for'
        ) from error


class Requests(Fault):
    """So many failing or slow requests that the rule holds; then good ones."""

    def __init__(self, rule: Rule, server: Server) -> None:
        self.rule = rule
        self.server = server
        self.total, self.bad = enough_bad(rule)
        expression = rule.expression
        self.order = Order(drill=rule.name)
        if isinstance(expression, FailedShare):
            status = int(expression.prefix.ljust(3, "0"))
            self.order = dataclasses.replace(self.order, status=status)
            what = f"answered {status}"
        else:
            seconds = 1.1 * expression.seconds  # type: ignore[attr-defined]
            self.order = dataclasses.replace(self.order, seconds=seconds)
            what = f"that take {seconds:g} s"
        self.how = f"{self.bad} of {self.total} requests to {server.base} {what}"
        self._sent = False

    def inject(self, world: Real, bad: bool) -> None:
        good = Order(drill=world.drill)
        if bad and not self._sent:
            self._sent = True
            fault = dataclasses.replace(self.order, drill=world.drill)
            self.server.orders([fault] * self.bad + [good] * (self.total - self.bad))
        elif not bad and self._sent:
            self.server.orders([good] * CALM_REQUESTS)


def can_order(rule: Rule) -> bool:
    """Whether requests to the server make the rule true."""
    expression = rule.expression
    if isinstance(expression, FailedShare):
        is_ours = expression.name == REQUESTS and expression.label == STATUS
        return is_ours and expression.prefix[:1] in ("4", "5")
    return (
        isinstance(expression, SlowShare)
        and expression.name == REQUESTS
        and 1.1 * expression.seconds <= MAX_SECONDS
    )


class Pings(Fault):
    """A job of the drill's own that reports failure, then success, to the server."""

    def __init__(self, rule: Rule, server: Server, store: SqlStore) -> None:
        self.server = server
        self.job = f"{DRILL_JOB}{rule.name} {os.getpid()}"
        self.book = Book(store)
        beats = [
            Heartbeat(
                name=self.job, every_seconds=3600.0, is_backup=rule.name == "BackupMissing"
            )
        ]  # fmt: skip
        found = {each.name: each for each in shipped(lambda: self.book, beats)}
        self.rule = found[rule.name]
        self.how = f"a job that reports its failure to {server.base}"
        self._last: bool | None = None

    def inject(self, world: Real, bad: bool) -> None:
        if bad is not self._last:
            self._last = bad
            self.server.ping(self.job, "fail" if bad else "")

    def close(self) -> None:
        with self.book.writing() as page:
            page.run("DELETE FROM spotter_pings WHERE name = ?", (self.job,))
