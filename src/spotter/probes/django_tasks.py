"""How many tasks of django-tasks wait in the database, and for how long the first has."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connections

from spotter import recording

#: Queues that were seen since the start, at most so many.
MAX_QUEUES = 100
_queues = {"default"}


def read_queues() -> None:
    """How many tasks wait in django-tasks' database, and for how long."""
    from django.apps import apps
    from django.db.models import Case, Count, F, Min, When
    from django.utils import timezone

    if not apps.is_installed("django_tasks_db"):
        return
    model = apps.get_model("django_tasks_database", "DBTaskResult")
    try:
        now = timezone.now()
        # One that was to begin later waits since then; none was is written as year 9999.
        since = Case(
            When(
                run_after__lte=now,
                run_after__gt=F("enqueued_at"),
                then=F("run_after"),
            ),
            default=F("enqueued_at"),
        )
        queues = model.objects.ready().order_by().values_list("queue_name")
        waiting = {
            queue: (depth, max(0.0, (now - first).total_seconds()))
            for queue, depth, first in queues.annotate(
                depth=Count("pk"), first=Min(since)
            )
        }
    finally:
        connections.close_all()
    record_queues(waiting)


def record_queues(waiting: Mapping[str, tuple[int, float]]) -> None:
    """
    Write down how many tasks wait in each queue, and how many seconds the first has.

    0 of a queue that is empty now, too: else what was told of it would not end.
    """
    _queues.update(list(waiting)[: MAX_QUEUES - len(_queues)])
    for queue in {*_queues, *waiting}:
        depth, oldest = waiting.get(queue, (0, 0.0))
        labels = {"task.system": "django", "queue": queue}
        recording.gauge("spotter.task.queue.depth", depth, labels)
        recording.gauge("spotter.task.queue.oldest", oldest, labels)
