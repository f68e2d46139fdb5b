"""Tasks that wait in django-tasks' database are told of as a worker finds them."""

from __future__ import annotations

import datetime
import uuid

import pytest
from django.db import connection
from django.utils import timezone
from django_tasks import task
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from spotter.probes import django_tasks
from spotter.recorders import task_events
from tests.kept import recorded

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = datetime.timedelta(hours=1)


@task()
def work():
    pass


@pytest.fixture(autouse=True)
def queue(kept, settings, monkeypatch):
    backend = {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}
    settings.TASKS = {"default": backend}
    monkeypatch.setattr(task_events, "_known", {})


def carry_out():
    """Have a worker do what is ready, and give the one task as it is then."""
    Worker(
        queue_names=["*"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="a-worker",
        excluded_queue_names=[],
    ).run()
    return DBTaskResult.objects.get()


def test_a_task_waits_from_when_it_is_queued(queue):
    work.enqueue()
    DBTaskResult.objects.update(enqueued_at=timezone.now() - HOUR)
    done = carry_out()
    waited = (done.started_at - done.enqueued_at).total_seconds()
    assert recorded("spotter.task.wait")[()].sum == pytest.approx(waited)
    assert waited > 3599


def test_a_task_does_not_wait_while_it_is_meant_to(queue, kept):
    after = timezone.now() + HOUR
    work.using(run_after=after).enqueue()
    assert carry_out().started_at is None
    # Two hours go by: it was queued an hour before it was to run.
    DBTaskResult.objects.update(
        enqueued_at=timezone.now() - 2 * HOUR, run_after=timezone.now() - HOUR
    )
    done = carry_out()
    waited = (done.started_at - done.run_after).total_seconds()
    assert recorded("spotter.task.wait")[()].sum == pytest.approx(waited)
    (sample,) = kept.samples("task")
    assert sample.body["wait"] == pytest.approx(waited)


def queues(metric: str) -> dict[str, float]:
    """What was told last of each queue."""
    found = recorded(f"spotter.task.queue.{metric}", "queue", task_system="django")
    return {queue: point.last for queue, point in found.items()}


def test_the_queues_are_read_as_they_are(queue, monkeypatch):
    monkeypatch.setattr(django_tasks, "_queues", {"default"})
    now = timezone.now()
    mail = work.using(queue_name="mail")
    running = work.enqueue()
    DBTaskResult.objects.filter(pk=running.id).update(status="RUNNING")
    for task_, hours_ago, hours_late in [
        (work.using(priority=50), 1, None),
        (work, 3, None),
        (work.using(run_after=now + HOUR), 9, -1),
        (mail.using(run_after=now + HOUR), 9, 2),
        (mail, 1, None),
    ]:
        row = DBTaskResult.objects.filter(pk=task_.enqueue().id)
        row.update(enqueued_at=now - hours_ago * HOUR)
        if hours_late is not None:
            row.update(run_after=now - hours_late * HOUR)
    django_tasks.read_queues()
    elapsed = (timezone.now() - now).total_seconds()
    assert queues("depth") == {"default": 2, "mail": 2}
    oldest = queues("oldest")
    assert 3 * 3600 <= oldest["default"] <= 3 * 3600 + elapsed
    assert 2 * 3600 <= oldest["mail"] <= 2 * 3600 + elapsed
    DBTaskResult.objects.all().delete()
    django_tasks.read_queues()
    assert queues("depth") == queues("oldest") == {"default": 0, "mail": 0}


def test_a_queue_is_read_whole_however_long_it_is(queue, monkeypatch):
    monkeypatch.setattr(django_tasks, "_queues", {"default"})
    now = timezone.now()
    work.enqueue()
    table = DBTaskResult._meta.db_table
    others = ", ".join(
        str(f.column) for f in DBTaskResult._meta.fields if f.name != "id"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (id, {others}) "  # noqa: S608 (names of the model's)
            "WITH RECURSIVE number(n) AS "
            "(SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 10000) "
            f"SELECT printf('%032x', n), {others} FROM {table}, number"
        )
    # The oldest waits behind all that came later and go first.
    oldest = DBTaskResult.objects.filter(pk=uuid.UUID(int=1))
    oldest.update(priority=-50, enqueued_at=now - HOUR)
    django_tasks.read_queues()
    assert queues("depth") == {"default": 10_001}
    assert queues("oldest")["default"] >= 3600


def test_a_task_that_another_worker_claims_again_is_retried(queue):
    work.enqueue()
    carry_out()
    assert events()["retried"] == 0
    # Its worker was killed, and somebody put it back.
    DBTaskResult.objects.update(status="READY", worker_ids=["a-dead-worker"])
    done = carry_out()
    assert done.worker_ids == ["a-dead-worker", "a-worker"]
    assert events() == {
        "queued": 1, "started": 2, "succeeded": 2, "retried": 1, "failed": 0,
    }  # fmt: skip


def events() -> dict[str, float]:
    """How often each thing happened to a task."""
    found = recorded("spotter.task.events", "event")
    return {event: point.sum for event, point in found.items()}
