"""What the task worker does for notifications."""

from __future__ import annotations

from django.utils import timezone
from django_tasks import task

from trainerhub.notifications import delivery


@task()
def deliver(notification_id: int, number: int = 1) -> None:
    """Make one attempt, and queue the next when it failed for now."""
    wait = delivery.attempt(notification_id, number)
    if wait is not None:
        later = deliver.using(run_after=timezone.now() + wait)
        later.enqueue(notification_id, number + 1)
