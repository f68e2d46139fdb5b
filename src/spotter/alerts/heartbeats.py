"""Jobs that report that they ran: who is silent for too long is the news."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import inspect
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from asgiref.sync import sync_to_async

from spotter.alerts import jobs
from spotter.alerts.book import Book, Page
from spotter.alerts.jobs import Job
from spotter.alerts.punctuality import (
    FAILURE,
    KINDS,
    START,
    SUCCESS,
    Duration,
    Heartbeat,
    problem_of,
    seconds_of,
)
from spotter.alerts.records import Ping
from spotter.privacy import scrub_text
from spotter.rescue import ignore, rescue
from spotter.stores.contract import StoreError
from spotter.stores.current import get_store
from spotter.stores.sql import SqlStore

__all__ = [
    "FAILURE",
    "KINDS",
    "MAX_OUTPUT",
    "START",
    "SUCCESS",
    "Heartbeat",
    "heartbeat",
    "missing",
    "problem_of",
    "report",
    "reporting",
]

logger = logging.getLogger("spotter.alerts")
T = TypeVar("T")

#: How much of a job's output is kept: its end.
MAX_OUTPUT = 4000


def report(name: str, kind: str, **body: Any) -> bool:
    """
    Write a job's sign of life to the store; False when the store can't take it.

    Args:
        body: `seconds`, `size` in bytes, `exit_code`, `output`; JSON.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    store = get_store()
    if not isinstance(store, SqlStore):
        return False
    if "output" in body:
        body["output"] = tail(str(body["output"]))
    try:
        with ignore(), Book(store).writing() as page:
            page.ping(Ping(name=name, kind=kind, at=time.time(), body=body))
    except StoreError as error:
        logger.warning("the heartbeat of %s could not be written: %s", name, error)
        return False
    return True


def tail(output: str) -> str:
    """
    The end of what a job printed, without what no message or page may show.

    Scrubbed before it is cut: a cut between a name and its value would let the value
    through.
    """
    return scrub_text(output[-4 * MAX_OUTPUT :])[-MAX_OUTPUT:]


def begin(job: Heartbeat | str) -> None:
    """Tell that a job starts; what goes wrong with that is not the job's business."""
    with rescue("report a job's start"):
        store = get_store()
        if isinstance(job, Heartbeat) and isinstance(store, SqlStore):
            jobs.enroll_once(Book(store), job)
        report(name_of(job), START)


def end(
    job: Heartbeat | str,
    started: float,
    body: dict[str, Any],
    error: BaseException | None,
) -> None:
    """Tell how it ended; a task of Celery's that will be tried again has not."""
    if type(error).__name__ == "Retry" and type(error).__module__.startswith("celery"):
        return
    with rescue("report a job's end"):
        kind, facts = outcome(error)
        said = [text for text in (body.get("output"), facts.pop("output", "")) if text]
        told = {**body, **facts, "seconds": time.monotonic() - started}
        if said:
            told["output"] = "\n".join(said)
        report(name_of(job), kind, **told)


def outcome(error: BaseException | None) -> tuple[str, dict[str, Any]]:
    """Success or failure; a command may end with an exit code of its own."""
    if error is None:
        return SUCCESS, {}
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(bool(error.code))
        said = error.code if isinstance(error.code, str) else ""
        return FAILURE if code else SUCCESS, {"exit_code": code, "output": said}
    return FAILURE, {"output": f"{type(error).__name__}: {error}"}


def name_of(job: Heartbeat | str) -> str:
    """The name that it reports under."""
    return job.name if isinstance(job, Heartbeat) else job


@contextlib.contextmanager
def reporting(job: Heartbeat | str) -> Iterator[dict[str, Any]]:
    """Report a block's start and its end; what is put into the dict is reported too."""
    started = time.monotonic()
    begin(job)
    body: dict[str, Any] = {}
    try:
        yield body
    except BaseException as error:
        end(job, started, body, error)
        raise
    end(job, started, body, None)


def heartbeat(
    name: str,
    *,
    every: Duration | None = None,
    grace: Duration | None = None,
    max_duration: Duration | None = None,
    is_backup: bool = False,
) -> Callable[[T], T]:
    """
    Make a job report its start, its end, how long it took and how it failed.

    For a function, plain or async, a task of Celery or of Django, or the Command class
    of a management command. With `every` it registers by itself: nothing needs to be
    in the settings.

    Args:
        every, grace: it is missing when the last success is older than both together:
            seconds, a timedelta, or a text such as "15m" or "1d".
        max_duration: how long one run may take.
        is_backup: told as BackupMissing, and its size is watched.
    """
    job: Heartbeat | str = name
    if every is not None:
        job = Heartbeat(
            name=name,
            every_seconds=seconds_of(every),
            grace_seconds=None if grace is None else seconds_of(grace),
            max_seconds=None if max_duration is None else seconds_of(max_duration),
            is_backup=is_backup,
        )
        jobs.declare(job)
    return functools.partial(watched, job)


def watched(job: Heartbeat | str, target: Any) -> Any:
    """The same function, task or command, reporting."""
    if isinstance(target, type):
        if not hasattr(target, "handle"):
            raise TypeError(f"{target.__name__} is no Command: it has no `handle`.")
        target.handle = command(job, target.handle)
        return target
    if hasattr(target, "apply_async") and hasattr(target, "run"):  # Celery's
        target.run = function(job, target.run)
        return target
    if dataclasses.is_dataclass(target) and hasattr(target, "enqueue"):  # Django's
        changed: Any = target
        return dataclasses.replace(changed, func=function(job, changed.func))
    return function(job, target)


def function(job: Heartbeat | str, target: Callable[..., Any]) -> Callable[..., Any]:
    """A function that reports."""

    @functools.wraps(target)
    def run(*args: Any, **kwargs: Any) -> Any:
        with reporting(job):
            return target(*args, **kwargs)

    @functools.wraps(target)
    async def arun(*args: Any, **kwargs: Any) -> Any:
        # The store is asked in a thread: the loop has others to serve.
        started, body = time.monotonic(), dict[str, Any]()
        tell = sync_to_async(end, thread_sensitive=False)
        await sync_to_async(begin, thread_sensitive=False)(job)
        try:
            result = await target(*args, **kwargs)
        except BaseException as error:
            await tell(job, started, body, error)
            raise
        await tell(job, started, body, None)
        return result

    return arun if inspect.iscoroutinefunction(target) else run


def command(job: Heartbeat | str, handle: Callable[..., Any]) -> Callable[..., Any]:
    """A command's `handle` that reports, with the end of what it prints."""

    @functools.wraps(handle)
    def run(self: Any, *args: Any, **options: Any) -> Any:
        printed: collections.deque[str] = collections.deque(maxlen=100)
        with rescue("listen to a command"):
            listen(self.stdout, printed)
            listen(self.stderr, printed)
        with reporting(job) as body:
            try:
                return handle(self, *args, **options)
            finally:
                if printed:
                    body["output"] = "\n".join(printed)

    return run


def listen(stream: Any, printed: collections.deque[str]) -> None:
    """Keep the end of what a command writes, each line shortened."""
    write = stream.write

    @functools.wraps(write)
    def heard(text: str = "", *args: Any, **kwargs: Any) -> Any:
        printed.append(str(text)[-MAX_OUTPUT:].rstrip("\n"))
        return write(text, *args, **kwargs)

    stream.write = heard


def missing(
    page: Page, heartbeats: Sequence[Heartbeat], now: float
) -> dict[str, tuple[Job, str]]:
    """Every job that anybody knows of, with what is wrong with it."""
    return {
        each.heartbeat.name: (each, problem_of_job(page, each, now))
        for each in jobs.known(page, heartbeats)
    }


def problem_of_job(page: Page, job: Job, now: float) -> str:
    """What is wrong with one."""
    pings = page.pings(job.heartbeat.name, limit=jobs.LOOK_BACK)
    return problem_of(job.heartbeat, pings, now, job.registered_at)
