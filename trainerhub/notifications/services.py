"""Queue messages to people."""

from __future__ import annotations

from django.db import transaction

from trainerhub.clients.models import Client
from trainerhub.notifications import tasks
from trainerhub.notifications.models import Notification
from trainerhub.trainers.models import Trainer

SUBJECT_LENGTH = 200
# What Twilio takes in one message, as so many segments.
SMS_LENGTH = 1600


def notify(
    *,
    trainer: Trainer,
    channel: Notification.Channel,
    recipient: str,
    body: str,
    key: str,
    subject: str = "",
    client: Client | None = None,
) -> Notification:
    """
    Queue a message; it is sent after the transaction commits.

    Args:
        recipient: an e-mail address or a telephone number.
        key: what causes the message; telling the same cause twice sends once.
        client: whom it goes to; None for the trainer herself.
    """
    if channel == Notification.Channel.SMS:
        body = body[:SMS_LENGTH]
    notification, is_new = Notification.objects.get_or_create(
        key=key,
        defaults={
            "trainer": trainer,
            "client": client,
            "channel": channel,
            "recipient": recipient,
            # One line: a line break would be a forged header.
            "subject": " ".join(subject.split())[:SUBJECT_LENGTH],
            "body": body,
        },
    )
    if is_new:
        _queue(notification)
    return notification


def _queue(notification: Notification) -> None:
    # No partial: Django cannot log that one failed.
    def queue() -> None:
        tasks.deliver.enqueue(notification.pk)

    # Robust: whoever caused the message is done, even when the queue is down.
    transaction.on_commit(queue, robust=True)
