"""Change a trainer's profile, what she offers and when she works."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from trainerhub.accounts.models import User
from trainerhub.lib.refusals import Conflict, Invalid
from trainerhub.trainers.models import (
    Availability,
    AvailabilityException,
    Service,
    Trainer,
)

logger = logging.getLogger(__name__)


class ProfileFields(TypedDict, total=False):
    """What a trainer says of her business."""

    business_name: str
    bio: str
    city: str
    time_zone: str
    currency: str
    payment_method: str
    cancellation_notice_hours: int
    late_cancellation_percent: int
    is_listed: bool


class ServiceFields(TypedDict, total=False):
    """What a trainer says of a service."""

    name: str
    description: str
    duration_minutes: int
    price_minor: int
    is_active: bool


class HoursFields(TypedDict, total=False):
    """A weekday's hours."""

    weekday: int
    opens: dt.time
    closes: dt.time


class ExceptionFields(TypedDict, total=False):
    """A date's hours, or none."""

    date: dt.date
    opens: dt.time | None
    closes: dt.time | None
    reason: str


def create_profile(*, user: User, **fields: Unpack[ProfileFields]) -> Trainer:
    """
    Make the user a trainer.

    Raises:
        Conflict: `profile_exists`.
    """
    try:
        with transaction.atomic():
            trainer = Trainer.objects.create(user=user, **fields)
    except IntegrityError:
        raise Conflict(
            "You have a trainer profile already; PATCH it.", code="profile_exists"
        ) from None
    logger.info("Trainer created", extra={"trainer_id": trainer.pk})
    return trainer


def update_profile(*, trainer: Trainer, **changes: Unpack[ProfileFields]) -> Trainer:
    """Change the profile; bookings keep the price and currency they were made at."""
    for name, value in changes.items():
        setattr(trainer, name, value)
    trainer.save(update_fields=list(changes))
    return trainer


def create_service(*, trainer: Trainer, **fields: Unpack[ServiceFields]) -> Service:
    """Offer something new."""
    service = Service.objects.create(trainer=trainer, **fields)
    logger.info(
        "Service created", extra={"trainer_id": trainer.pk, "service_id": service.pk}
    )
    return service


def update_service(*, service: Service, **changes: Unpack[ServiceFields]) -> Service:
    """Change what is offered from now on."""
    for name, value in changes.items():
        setattr(service, name, value)
    service.save(update_fields=list(changes))
    return service


def delete_service(*, service: Service) -> None:
    """
    Remove a service that was never booked.

    Raises:
        Conflict: `in_use`.
    """
    try:
        with transaction.atomic():
            service.delete()
    except (ProtectedError, IntegrityError):
        raise Conflict(
            "This service has bookings; set is_active to false to stop offering it.",
            code="in_use",
        ) from None


def create_availability(
    *, trainer: Trainer, **fields: Unpack[HoursFields]
) -> Availability:
    """Add hours that return every week."""
    return Availability.objects.create(trainer=trainer, **fields)


def update_availability(
    *, availability: Availability, **changes: Unpack[HoursFields]
) -> Availability:
    """Change hours that return every week; bookings stay."""
    for name, value in changes.items():
        setattr(availability, name, value)
    availability.save(update_fields=list(changes))
    return availability


def create_exception(
    *, trainer: Trainer, **fields: Unpack[ExceptionFields]
) -> AvailabilityException:
    """
    Set other hours for one date.

    Raises:
        Invalid: the date has an exception already.
    """
    return _save_exception(AvailabilityException(trainer=trainer), fields)


def update_exception(
    *, exception: AvailabilityException, **changes: Unpack[ExceptionFields]
) -> AvailabilityException:
    """
    Change the hours of one date.

    Raises:
        Invalid: the new date has an exception already.
    """
    return _save_exception(exception, changes)


def _save_exception(
    exception: AvailabilityException, fields: ExceptionFields
) -> AvailabilityException:
    for name, value in fields.items():
        setattr(exception, name, value)
    try:
        with transaction.atomic():
            exception.save()
    except IntegrityError:
        raise Invalid(
            "This date has an exception already; change that one.", field="date"
        ) from None
    return exception
