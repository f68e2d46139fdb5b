"""How many tasks of django-tasks wait in the database, and for how long the first has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connections

from spotter import recording

#: Queues that were seen since the start, at most so many.
MAX_QUEUES = 100
_queues = {"default"}


def read_queues() -> None:
    """How many tasks wait in django-tasks' database, and for how long."""
    from django.apps import apps
    from django.utils import timezone

    if not apps.is_installed("django_tasks_db"):
        return
    model = apps.get_model("django_tasks_database", "DBTaskResult")
    try:
        now = timezone.now()
        waiting: dict[str, list[float]] = {}
        for queue, at, after in model.objects.ready().values_list(
            "queue_name", "enqueued_at", "run_after"
        )[:10_000]:
            since = max(at, after) if after <= now else at
            waiting.setdefault(queue, []).append((now - since).total_seconds())
    finally:
        connections.close_all()
    record_queues(waiting)


def record_queues(waiting: Mapping[str, Sequence[float]]) -> None:
    """
    Write down how many tasks wait in each queue, and how many seconds the first has.

    0 of a queue that is empty now, too: else what was told of it would not end.
    """
    _queues.update(list(waiting)[: MAX_QUEUES - len(_queues)])
    for queue in {*_queues, *waiting}:
        ages = waiting.get(queue, [])
        labels = {"task.system": "django", "queue": queue}
        recording.gauge("spotter.task.queue.depth", len(ages), labels)
        recording.gauge("spotter.task.queue.oldest", max(ages, default=0.0), labels)
