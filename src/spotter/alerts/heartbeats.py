"""Jobs that report that they ran: who is silent for too long is the news."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any, ParamSpec, TypeVar

from spotter.alerts.book import Book, Page, Ping
from spotter.privacy import scrub_text
from spotter.rescue import ignore
from spotter.stores.contract import StoreError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

logger = logging.getLogger("spotter.alerts")
P = ParamSpec("P")
R = TypeVar("R")

START, SUCCESS, FAILURE = "start", "success", "failure"
KINDS = (START, SUCCESS, FAILURE)
#: A backup this much smaller than the median of those before is no backup.
SMALL_SHARE = 0.5
#: How much of a job's output is kept.
MAX_OUTPUT = 4000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """
    A job that must report success so often.

    Args:
        every_seconds, grace_seconds: it is missing when the last success is older
            than both together.
        is_backup: told as BackupMissing, and its size is watched.
    """

    name: str
    every_seconds: float
    grace_seconds: float = 600.0
    is_backup: bool = False


def problem_of(heartbeat: Heartbeat, pings: Sequence[Ping], now: float) -> str:
    """What is wrong with a job, in words; "" when nothing is."""
    successes = [ping for ping in pings if ping.kind == SUCCESS]
    ended = [ping for ping in pings if ping.kind in (SUCCESS, FAILURE)]
    if ended and ended[0].kind == FAILURE:
        return (
            f"{heartbeat.name} failed: {ended[0].body.get('output', '')[:200]}".rstrip(
                ": "
            )
        )
    if not successes:
        return f"{heartbeat.name} has never reported success"
    age = now - successes[0].at
    if age > heartbeat.every_seconds + heartbeat.grace_seconds:
        return f"{heartbeat.name} succeeded last {hours(age)} ago; it should every {hours(heartbeat.every_seconds)}"
    return too_small(heartbeat, successes)


def too_small(heartbeat: Heartbeat, successes: Sequence[Ping]) -> str:
    """Whether a backup is much smaller than those before."""
    sizes = [
        p.body["size"] for p in successes[:15] if isinstance(p.body.get("size"), int)
    ]
    if not heartbeat.is_backup or not sizes:
        return ""
    if not sizes[0]:
        return f"{heartbeat.name} is empty"
    usual = median(sizes[1:]) if len(sizes) > 3 else 0
    if sizes[0] < SMALL_SHARE * usual:
        return f"{heartbeat.name} has {sizes[0]:,} bytes; the median before was {usual:,.0f}"
    return ""


def hours(seconds: float) -> str:
    """A long time in words."""
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"


def report(name: str, kind: str, **body: Any) -> bool:
    """
    Write a job's sign of life to the store; False when the store can't take it.

    Args:
        body: `seconds`, `size` in bytes, `output`; JSON.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    store = get_store()
    if not isinstance(store, SqlStore):
        return False
    if "output" in body:
        # A job prints what it likes; messages and pages show it.
        body["output"] = scrub_text(str(body["output"])[-MAX_OUTPUT:])
    try:
        with ignore(), Book(store).writing() as page:
            page.ping(Ping(name=name, kind=kind, at=time.time(), body=body))
    except StoreError as error:
        logger.warning("the heartbeat of %s could not be written: %s", name, error)
        return False
    return True


@contextlib.contextmanager
def reporting(name: str) -> Iterator[dict[str, Any]]:
    """Report a block's start and its end; what is put into the dict is reported too."""
    started = time.monotonic()
    report(name, START)
    body: dict[str, Any] = {}
    try:
        yield body
    except BaseException as error:
        seconds = time.monotonic() - started
        report(name, FAILURE, seconds=seconds, output=type(error).__name__)
        raise
    report(name, SUCCESS, seconds=time.monotonic() - started, **body)


def heartbeat(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function report that it ran: `@heartbeat("nightly-report")`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with reporting(name):
                return function(*args, **kwargs)

        return run

    return decorate


def missing(
    page: Page, heartbeats: Sequence[Heartbeat], now: float
) -> dict[str, tuple[Heartbeat, str]]:
    """Every job with what is wrong with it."""
    return {
        each.name: (each, problem_of(each, page.pings(each.name), now))
        for each in heartbeats
    }
