"""What is read of bookings."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, DateField, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncWeek
from django.utils import timezone

from trainerhub.accounts.models import User
from trainerhub.bookings.models import Booking
from trainerhub.lib import slots
from trainerhub.trainers.models import Service, Trainer
from trainerhub.trainers.selectors import schedule

Status = Booking.Status


def visible_to(user: User) -> QuerySet[Booking]:
    """A trainer's own bookings, and those that a client has a log-in for."""
    mine = Q(trainer__user=user) | Q(client__user=user)
    return Booking.objects.filter(mine).select_related("trainer", "client", "service")


def taken(
    *, trainer: Trainer, starts_at: dt.datetime, ends_at: dt.datetime
) -> list[slots.Interval]:
    """What is held of a trainer's time between two instants."""
    held = Booking.objects.filter(
        trainer=trainer,
        status__in=Booking.HOLDS_SLOT,
        # The longest session bounds how far back a start can be, so that the index
        # on (trainer, starts_at) is read from there and not from the beginning.
        starts_at__gt=starts_at - dt.timedelta(days=1),
        starts_at__lt=ends_at,
        ends_at__gt=starts_at,
    )
    return [slots.Interval(*pair) for pair in held.values_list("starts_at", "ends_at")]


def free_slots(
    *, service: Service, first: dt.date, last: dt.date
) -> list[slots.Interval]:
    """When a service can be booked on the trainer's dates, both included."""
    trainer = service.trainer
    zone = ZoneInfo(trainer.time_zone)
    return slots.free_slots(
        schedule=schedule(trainer=trainer, first=first, last=last),
        first=first,
        last=last,
        duration=dt.timedelta(minutes=service.duration_minutes),
        taken=taken(
            trainer=trainer,
            starts_at=midnight(first, zone),
            ends_at=midnight(last + slots.ONE_DAY, zone),
        ),
        now=timezone.now(),
    )


def midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The instant at which a day begins there."""
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)


def summary(*, trainer: Trainer, first: dt.date, last: dt.date) -> list[dict[str, Any]]:
    """
    Sessions and revenue for each service, week and currency.

    Weeks begin on Monday by the trainer's clock. Revenue is what completed sessions
    cost, and the fees of those that were cancelled late or not attended.
    """
    zone = ZoneInfo(trainer.time_zone)
    completed = Q(status=Status.COMPLETED)
    rows = (
        Booking.objects.filter(
            trainer=trainer,
            starts_at__gte=midnight(first, zone),
            starts_at__lt=midnight(last + slots.ONE_DAY, zone),
        )
        .annotate(
            week=TruncWeek("starts_at", output_field=DateField(), tzinfo=zone),
            name=F("service__name"),
        )
        .values("service", "name", "week", "currency")
        .annotate(
            sessions=Count("pk", filter=completed),
            cancelled=Count("pk", filter=Q(status=Status.CANCELLED)),
            no_shows=Count("pk", filter=Q(status=Status.NO_SHOW)),
            upcoming=Count(
                "pk", filter=Q(status__in=[Status.PENDING, Status.CONFIRMED])
            ),
            revenue_minor=Coalesce(Sum("price_minor", filter=completed), 0)
            + Sum("cancellation_fee_minor"),
        )
        .order_by("week", "name", "service", "currency")
    )
    return [dict(row) for row in rows]
