"""Find the sessions that come up, and start the workflows that remind of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.utils import timezone

from trainerhub.bookings.models import Booking
from trainerhub.workflows import services
from trainerhub.workflows.models import Execution, Workflow

REMINDER = Workflow.Trigger.BOOKING_REMINDER


def send_due(now: dt.datetime | None = None) -> int:
    """
    Start each reminder that is due and was not started; give how many there were.

    Safe at any time, as often as one likes, and several at once.
    """
    workflows = Workflow.objects.filter(trigger=REMINDER, is_active=True)
    number = 0
    for workflow in workflows.select_related("trainer"):
        for booking in _due(workflow, now or timezone.now()):
            services.start(
                workflow, subject=_subject(booking), context=_context(workflow, booking)
            )
            number += 1
    return number


def _due(workflow: Workflow, now: dt.datetime) -> Iterator[Booking]:
    """Confirmed sessions within the workflow's time, less those reminded of."""
    horizon = now + dt.timedelta(minutes=workflow.minutes_before)
    coming = Booking.objects.filter(
        trainer=workflow.trainer,
        status=Booking.Status.CONFIRMED,
        starts_at__gt=now,
        starts_at__lte=horizon,
    )
    bookings = list(coming.select_related("client", "service"))
    keys = [f"{REMINDER}:{_subject(booking)}" for booking in bookings]
    known = Execution.objects.filter(workflow=workflow, key__in=keys)
    done = set(known.values_list("key", flat=True))
    for booking, key in zip(bookings, keys, strict=True):
        if key not in done:
            yield booking


def _subject(booking: Booking) -> str:
    return f"booking:{booking.pk}"


def _context(workflow: Workflow, booking: Booking) -> dict[str, object]:
    return {
        "client_id": booking.client_id,
        "client_name": booking.client.full_name,
        "trainer_name": workflow.trainer.business_name,
        "booking_id": booking.pk,
        "service_name": booking.service.name,
        "starts_at": booking.starts_at.astimezone(dt.UTC).isoformat(),
        "price_minor": booking.price_minor,
        "currency": booking.currency,
    }
