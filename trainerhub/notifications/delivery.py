"""One attempt to send a notification, and when to make the next."""

from __future__ import annotations

import datetime as dt
import logging

from django.utils import timezone

from trainerhub.lib import happenings
from trainerhub.notifications import emails, sms
from trainerhub.notifications.failures import DeliveryError
from trainerhub.notifications.models import Notification

logger = logging.getLogger(__name__)

# How long to wait after each attempt that failed; after the last one it is given up.
WAITS = [dt.timedelta(minutes=minutes) for minutes in (1, 5, 30, 120)]
MAX_ATTEMPTS = len(WAITS) + 1

FAILED = {
    Notification.Channel.EMAIL: "Failed to send email: %s",
    Notification.Channel.SMS: "Failed to send SMS: %s",
}


def attempt(notification_id: int, number: int) -> dt.timedelta | None:
    """
    Make the attempt of this number, unless it was made or the message went out.

    Returns how long to wait before the next one; None when there is none.
    """
    notification = _claim(notification_id, number)
    if notification is None:
        return None
    try:
        _send(notification)
    except DeliveryError as error:
        return _failed(notification, error)
    _mark(notification, Notification.Status.SENT, sent_at=timezone.now(), error="")
    happenings.tell(happenings.notification_sent, channel=str(notification.channel))
    logger.info("Notification sent", extra=_ids(notification))
    return None


def _claim(notification_id: int, number: int) -> Notification | None:
    """Take this attempt; of a task that was delivered twice only one gets it."""
    waiting = Notification.objects.filter(
        pk=notification_id, status=Notification.Status.QUEUED, attempts=number - 1
    )
    if waiting.update(attempts=number) != 1:
        return None
    return Notification.objects.select_related("trainer__user").get(pk=notification_id)


def _send(notification: Notification) -> None:
    if notification.channel == Notification.Channel.EMAIL:
        emails.send(notification)
    else:
        sms.send(notification)


def _failed(notification: Notification, error: DeliveryError) -> dt.timedelta | None:
    line = FAILED[Notification.Channel(notification.channel)]
    logger.error(line, error, extra=_ids(notification))
    if error.permanent or notification.attempts >= MAX_ATTEMPTS:
        _mark(notification, Notification.Status.FAILED, error=str(error)[:200])
        happenings.tell(
            happenings.notification_failed, channel=str(notification.channel)
        )
        return None
    _mark(notification, Notification.Status.QUEUED, error=str(error)[:200])
    return WAITS[notification.attempts - 1]


def _mark(
    notification: Notification, status: Notification.Status, **fields: object
) -> None:
    Notification.objects.filter(pk=notification.pk).update(status=status, **fields)


def _ids(notification: Notification) -> dict[str, object]:
    return {
        "notification_id": notification.pk,
        "trainer_id": notification.trainer_id,
        "client_id": notification.client_id,
        "channel": str(notification.channel),
        "attempt": notification.attempts,
    }
