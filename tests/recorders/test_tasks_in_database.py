"""Tasks that wait in django-tasks' database are told of as a worker finds them."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone
from django_tasks import task
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from spotter.recorders import task_events
from tests.kept import recorded

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = datetime.timedelta(hours=1)


@task()
def work():
    pass


@pytest.fixture(autouse=True)
def queue(kept, settings, monkeypatch):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
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
