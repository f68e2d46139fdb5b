"""What happens to tasks, counted by name, whichever system carries them out."""

from __future__ import annotations

from spotter import recording

EVENTS = ("queued", "started", "succeeded", "failed", "retried")
#: What happens in one system and cannot in another.
MORE = {"celery": ("revoked",)}
#: Names of tasks that are told from 0 on; six series each are all that a metric may have.
MAX_NAMES = 400

_known: dict[tuple[str, str], None] = {}


def count(system: str, name: str, event: str) -> None:
    """One more of an event."""
    announce(system, name)
    recording.count("spotter.task.events", labels_of(system, name, event))


def announce(system: str, name: str) -> None:
    """
    Make every counter of a task known, at 0, the first time that the task is seen.

    It is seen when it is queued, before it can fail. A burst of failures that came
    with its own counter would be no increase: what was not there did not grow.
    """
    if (system, name) not in _known and len(_known) < MAX_NAMES:
        _known[system, name] = None
        tell_zeros(system, name)


def tell_zeros(system: str, name: str) -> None:
    """Add nothing to each of a task's counters."""
    for event in EVENTS + MORE.get(system, ()):
        recording.count("spotter.task.events", labels_of(system, name, event), 0)


def labels_of(system: str, name: str, event: str) -> dict[str, str]:
    """The labels of one counter."""
    return {"task.system": system, "task.name": name, "event": event}


def remind() -> None:
    """Tell the zeros again: a series that nobody writes for a day is shown no more."""
    for system, name in list(_known):
        tell_zeros(system, name)


def install() -> None:
    """Remind every few hours, as long as this process measures anything."""
    recording.sampler(remind, every_seconds=4 * 3600)
