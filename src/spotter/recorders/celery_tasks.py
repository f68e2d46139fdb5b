"""Count Celery's tasks by its signals: queued, started, ended, retried, how long."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from spotter import recording
from spotter.entries import FAILED_WEIGHT, Sample
from spotter.probes.celery_broker import PUBLISHED_AT, waited
from spotter.recorders import task_events
from spotter.recorders.api_log import name_of
from spotter.recorders.examples import is_worth_it
from spotter.recorders.pieces import Piece
from spotter.recording import Measures
from spotter.rescue import rescue

SYSTEM = "celery"
#: How an attempt ended, by the state that Celery gives it; any other is told as it is.
OUTCOMES = {"SUCCESS": "succeeded", "FAILURE": "failed", "RETRY": "retried"}
#: Tasks worked on at once in one process, above which none is measured by itself.
MAX_RUNNING = 1000

#: By the task's id and the thread at work: the next attempt may begin in another one
#: before this one has ended, and an eager task that retries itself runs within itself.
_running: dict[tuple[str, int], list[Piece]] = {}


def running(task_id: str) -> tuple[str, int]:
    """What this thread works on."""
    return task_id, threading.get_ident()


def note_time(headers: Any = None, **kwargs: Any) -> None:
    """A message is about to be published: say when, for whoever takes it up."""
    with rescue("note when a task was queued"):
        if isinstance(headers, dict):
            headers[PUBLISHED_AT] = time.time()


def note_queued(sender: Any = None, **kwargs: Any) -> None:
    """A message was published; of an attempt to come, when a task is retried."""
    with rescue("count a queued task"):
        task_events.count(SYSTEM, str(sender), "queued")


def note_started(task_id: str, task: Any, **kwargs: Any) -> None:
    """A worker begins: its queries are the task's from here on."""
    with rescue("count a started task"):
        task_events.count(SYSTEM, task.name, "started")
        wait = wait_of(task.request)
        labels = {"task.system": SYSTEM, "task.name": task.name}
        if wait is not None:
            recording.observe("spotter.task.wait", wait, labels)
        if len(_running) < MAX_RUNNING:
            piece = Piece("spotter.task.duration", labels, f"task {task.name}")
            piece.sample = sample_of(task, task_id, wait)
            _running.setdefault(running(task_id), []).append(piece)


def wait_of(request: Any) -> float | None:
    """How long an attempt was in the queue; None for one that was in none."""
    published_at = request.get(PUBLISHED_AT)
    if published_at is None or request.is_eager:
        return None
    return waited(published_at, request.eta, time.time())


def sample_of(task: Any, task_id: str, wait: float | None) -> dict[str, Any]:
    """What an example tells of an attempt: never what the task was called with."""
    return {
        "system": SYSTEM,
        "name": task.name,
        "id": task_id,
        "wait": wait,
        "attempt": (task.request.retries or 0) + 1,
    }


def note_failed(sender: Any, task_id: str, exception: Any, **kwargs: Any) -> None:
    """An attempt failed for good, here or in a process that is gone."""
    with rescue("count a failed task"):
        task_events.count(SYSTEM, sender.name, "failed")
        kind = name_of(type(exception))
        pieces = _running.get(running(task_id))
        if pieces:
            pieces[-1].sample["exception"] = kind
        else:
            # The worker was killed, or took too long and was: its parent tells.
            recording.put(Lost(sample_of(sender, task_id, None), kind))


def note_retried(sender: Any, request: Any, reason: Any, **kwargs: Any) -> None:
    """An attempt failed, and there will be another."""
    with rescue("count a retried task"):
        task_events.count(SYSTEM, sender.name, "retried")
        pieces = _running.get(running(request.id))
        # The reason is a Retry, with the exception, if there was one, inside.
        error = getattr(reason, "exc", None) or reason
        if pieces and isinstance(error, BaseException):
            pieces[-1].sample["exception"] = name_of(type(error))


def note_revoked(sender: Any, **kwargs: Any) -> None:
    """A task was called off, in the queue or at work, or came too late."""
    with rescue("count a revoked task"):
        task_events.count(SYSTEM, sender.name, "revoked")


def note_ended(task_id: str, task: Any, state: Any = None, **kwargs: Any) -> None:
    """An attempt has ended, however."""
    with rescue("count the end of a task"):
        if state == "SUCCESS":
            task_events.count(SYSTEM, task.name, "succeeded")
        pieces = _running.get(running(task_id))
        if pieces:
            piece = pieces.pop()
            if not pieces:
                del _running[running(task_id)]
            piece.end(outcome=OUTCOMES.get(str(state), str(state).lower()))


def announce(sender: Any, **kwargs: Any) -> None:
    """A worker is ready: the counters of what it can do begin at 0."""
    with rescue("announce a worker's tasks"):
        for name in sorted(sender.app.tasks):
            # Its own are many, and few projects use one of them.
            if not name.startswith("celery."):
                task_events.announce(SYSTEM, name)


def finish(**kwargs: Any) -> None:
    """A process of the pool ends, by a way on which nothing registered at exit runs."""
    with rescue("write what was measured"):
        recording.finish()


class Lost:
    """An example of an attempt whose process did not live to tell of it."""

    def __init__(self, body: dict[str, Any], exception: str) -> None:
        self.body = {
            **body,
            "outcome": "failed",
            "duration": None,
            "exception": exception,
        }
        self.at = time.time()

    def measure(self, into: Measures) -> None:
        """Keep it if it is among the weightiest."""
        key = str(self.body["name"])
        if is_worth_it("task", key, self.at, FAILED_WEIGHT):
            into.sample(
                Sample(
                    kind="task",
                    key=key,
                    at=self.at,
                    weight=FAILED_WEIGHT,
                    body=self.body,
                )
            )


RECEIVERS = {
    "before_task_publish": note_time,
    "after_task_publish": note_queued,
    "task_prerun": note_started,
    "task_failure": note_failed,
    "task_retry": note_retried,
    "task_revoked": note_revoked,
    "task_postrun": note_ended,
    "worker_ready": announce,
    "worker_process_shutdown": finish,
}


def listen() -> None:
    """
    Listen to Celery's signals, once, as soon as the project has imported Celery.

    Importing it here would cost a third of a second in every process of a project
    that only happens to have it installed.
    """
    signals = sys.modules.get("celery.signals")
    # All or none: another thread may be in the middle of importing it.
    if signals is not None and all(hasattr(signals, name) for name in RECEIVERS):
        for name, receive in RECEIVERS.items():
            getattr(signals, name).connect(receive, dispatch_uid=f"spotter {name}")


def install() -> None:
    """Listen now, where the project's app is there already; else look now and then."""
    listen()
    recording.sampler(listen)
