"""Count Django's tasks: queued, started, ended, how long they took and waited."""

from __future__ import annotations

import datetime
import importlib.util
from typing import Any

from spotter import recording
from spotter.recorders import task_events
from spotter.recorders.pieces import Piece
from spotter.rescue import rescue

SYSTEM = {"task.system": "django"}
#: Where the signals are: Django's own since version 6, and the package before it.
MODULES = ("django.tasks.signals", "django_tasks.signals")
#: Tasks worked on at once in one process, above which none is measured by itself.
MAX_RUNNING = 1000

_running: dict[str, Piece] = {}


def count(result: Any, event: str) -> None:
    """One more of an event."""
    task_events.count("django", result.task.module_path, event)


def note_queued(task_result: Any, **kwargs: Any) -> None:
    """A task was queued."""
    with rescue("count a queued task"):
        count(task_result, "queued")


def note_started(task_result: Any, **kwargs: Any) -> None:
    """A worker begins: its queries are the task's from here on."""
    with rescue("count a started task"):
        name = task_result.task.module_path
        count(task_result, "started")
        if len(task_result.worker_ids) > 1:
            count(task_result, "retried")
        waited = seconds_waited(task_result)
        recording.observe("spotter.task.wait", waited, {**SYSTEM, "task.name": name})
        if len(_running) < MAX_RUNNING:
            labels = {**SYSTEM, "task.name": name}
            piece = Piece("spotter.task.duration", labels, f"task {name}")
            piece.sample = {
                "system": "django",
                "name": name,
                "id": str(task_result.id),
                "wait": waited,
                "attempt": len(task_result.worker_ids),
            }
            _running[task_result.id] = piece


def note_finished(task_result: Any, **kwargs: Any) -> None:
    """A worker is done with a task."""
    with rescue("count a finished task"):
        piece = _running.pop(task_result.id, None)
        failed = task_result.status.name == "FAILED"
        count(task_result, "failed" if failed else "succeeded")
        if piece is not None:
            if failed and task_result.errors:
                path = task_result.errors[-1].exception_class_path
                piece.sample["exception"] = path.removeprefix("builtins.")
            piece.end(failed=failed)


def seconds_waited(task_result: Any) -> float:
    """From when a task could begin to when it did; a delay that was asked for is none."""
    begun: datetime.datetime | None = task_result.started_at
    could: datetime.datetime | None = task_result.enqueued_at
    if begun is None or could is None:
        return 0.0
    after: datetime.datetime | None = task_result.task.run_after
    if after is not None:
        could = max(could, after)
    return max(0.0, (begun - could).total_seconds())


def install() -> None:
    """Listen to the signals of each module that is installed, once."""
    for name in MODULES:
        package = name.rpartition(".")[0]
        if not is_installed(package):
            continue
        module = importlib.import_module(name)
        module.task_enqueued.connect(note_queued, dispatch_uid="spotter")
        module.task_started.connect(note_started, dispatch_uid="spotter")
        module.task_finished.connect(note_finished, dispatch_uid="spotter")


def is_installed(package: str) -> bool:
    """Whether a package is there, without importing it."""
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False
