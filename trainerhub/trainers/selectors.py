"""What is read of trainers."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from trainerhub.accounts.models import User
from trainerhub.lib.refusals import Forbidden
from trainerhub.lib.slots import Hours, Schedule
from trainerhub.trainers.models import (
    Availability,
    AvailabilityException,
    Service,
    Trainer,
)


def own_trainer(*, user: User) -> Trainer:
    """
    The user's own profile.

    Raises:
        Forbidden: the user is no trainer.
    """
    trainer = Trainer.objects.filter(user=user).first()
    if trainer is None:
        raise Forbidden(
            "Only trainers may do this; POST to /api/trainers/me/ to become one.",
            code="trainer_required",
        )
    return trainer


def listed() -> QuerySet[Trainer]:
    """The trainers that anybody may find."""
    return Trainer.objects.filter(is_listed=True, user__is_active=True)


def visible_to(user: User) -> QuerySet[Trainer]:
    """Those listed, oneself, and those whose client one is."""
    known = Trainer.objects.filter(clients__user=user).values("pk")
    return Trainer.objects.filter(
        Q(is_listed=True, user__is_active=True) | Q(user=user) | Q(pk__in=known)
    )


def active_services(*, trainer_id: int) -> QuerySet[Service]:
    """What can be booked with a trainer."""
    return Service.objects.filter(trainer_id=trainer_id, is_active=True)


def schedule(*, trainer: Trainer, first: dt.date, last: dt.date) -> Schedule:
    """When the trainer works on those days, both included."""
    weekly: dict[int, list[Hours]] = defaultdict(list)
    for one in Availability.objects.filter(trainer=trainer):
        weekly[one.weekday].append(Hours(one.opens, one.closes))
    exceptions = AvailabilityException.objects.filter(
        trainer=trainer, date__range=(first, last)
    )
    return Schedule(
        zone=ZoneInfo(trainer.time_zone),
        weekly=dict(weekly),
        exceptions={one.date: _hours(one) for one in exceptions},
    )


def _hours(exception: AvailabilityException) -> list[Hours]:
    if exception.opens is None or exception.closes is None:
        return []
    return [Hours(exception.opens, exception.closes)]
