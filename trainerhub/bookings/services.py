"""Book a session, and what becomes of it."""

from __future__ import annotations

import datetime as dt
import logging
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from trainerhub.accounts.models import User
from trainerhub.bookings import policy, selectors
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client, Package
from trainerhub.clients.selectors import usable_on
from trainerhub.clients.services import client_of
from trainerhub.lib import happenings
from trainerhub.lib.refusals import Conflict, Forbidden, Invalid
from trainerhub.lib.slots import Interval
from trainerhub.trainers.models import Service, Trainer
from trainerhub.trainers.selectors import schedule
from trainerhub.workflows import services as workflows
from trainerhub.workflows.models import Workflow

logger = logging.getLogger(__name__)
Status = Booking.Status

HAPPENINGS = {
    Workflow.Trigger.BOOKING_CREATED: happenings.booking_made,
    Workflow.Trigger.BOOKING_CANCELLED: happenings.booking_cancelled,
}
# Nobody books further ahead; it also keeps instants within the calendar.
HORIZON = dt.timedelta(days=366)


class SlotTaken(Conflict):
    """Somebody else has the time."""

    code = "slot_taken"

    def __init__(self) -> None:
        super().__init__("This time is taken; choose another of the free slots.")


class WrongStatus(Conflict):
    """What is asked for cannot follow on the booking's state."""

    code = "wrong_status"


@transaction.atomic
def book_for_client(
    *,
    trainer: Trainer,
    client: Client,
    service: Service,
    starts_at: dt.datetime,
    package: Package | None = None,
    message: str = "",
) -> Booking:
    """
    Book as the trainer; it is confirmed at once.

    Raises:
        Invalid: outside her hours, in the past, or the package cannot be used.
        SlotTaken: another booking overlaps.
    """
    _lock(trainer)
    return _book(client, service, starts_at, package, message, status=Status.CONFIRMED)


@transaction.atomic
def book_for_oneself(
    *,
    user: User,
    service: Service,
    starts_at: dt.datetime,
    package_id: int | None = None,
    message: str = "",
) -> Booking:
    """
    Book as a client, who becomes one of the trainer's by it; she confirms.

    Raises:
        Conflict: `client_inactive`: the trainer takes no bookings from the user.
        Invalid: outside her hours, in the past, or the package cannot be used.
        SlotTaken: another booking overlaps.
    """
    _lock(service.trainer)
    client = client_of(user=user, trainer=service.trainer)
    if not client.is_active:
        raise Conflict(
            "The trainer has closed your record; ask her to open it again.",
            code="client_inactive",
        )
    package = None
    if package_id is not None:
        package = Package.objects.filter(client=client, pk=package_id).first()
        if package is None:
            raise Invalid("You have no such package.", field="package")
    return _book(client, service, starts_at, package, message, status=Status.PENDING)


def _lock(trainer: Trainer) -> None:
    # Bookings of one trainer take turns, so that the overlap test sees all that came
    # before. NO KEY: rows that merely refer to the trainer are not held up.
    Trainer.objects.select_for_update(no_key=True).get(pk=trainer.pk)


def _book(
    client: Client,
    service: Service,
    starts_at: dt.datetime,
    package: Package | None,
    message: str,
    *,
    status: Booking.Status,
) -> Booking:
    slot = _slot(service, starts_at)
    if package is not None:
        _use(package, client, service, starts_at)
    booking = _insert(
        Booking(
            trainer=service.trainer,
            client=client,
            service=service,
            package=package,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            status=status,
            # Nothing is left to pay for a session that was paid ahead.
            price_minor=0 if package else service.price_minor,
            currency=service.trainer.currency,
            message=message,
        )
    )
    _tell("Booking created", booking, Workflow.Trigger.BOOKING_CREATED)
    return booking


def _slot(service: Service, starts_at: dt.datetime) -> Interval:
    """Give the time of the session, when it is in the future, open and free."""
    now = timezone.now()
    if not now < starts_at <= now + HORIZON:
        raise Invalid("Choose a time within the coming year.", field="starts_at")
    if starts_at.second or starts_at.microsecond:
        raise Invalid("Choose a whole minute.", field="starts_at")
    trainer = service.trainer
    length = dt.timedelta(minutes=service.duration_minutes)
    slot = Interval(starts_at, starts_at + length)
    # A day on each side: the trainer's date differs from the one in UTC.
    first, last = starts_at.date(), slot.ends_at.date()
    day = dt.timedelta(days=1)
    hours = schedule(trainer=trainer, first=first - day, last=last + day)
    if not hours.is_open(slot):
        raise Invalid("The trainer does not work then.", field="starts_at")
    if selectors.taken(trainer=trainer, starts_at=slot.starts_at, ends_at=slot.ends_at):
        raise SlotTaken
    return slot


def _use(
    package: Package, client: Client, service: Service, starts_at: dt.datetime
) -> None:
    """Take one session off the balance, if it is the client's and has one left."""
    on = starts_at.astimezone(ZoneInfo(service.trainer.time_zone)).date()
    usable = Package.objects.filter(
        usable_on(on), pk=package.pk, client=client, sessions_left__gt=0
    )
    if usable.update(sessions_left=F("sessions_left") - 1) != 1:
        raise Invalid(
            "The package is used up, expired or another client's.", field="package"
        )


def _insert(booking: Booking) -> Booking:
    try:
        with transaction.atomic():
            booking.save(force_insert=True)
    except IntegrityError:
        raise SlotTaken from None
    return booking


def confirm(*, booking: Booking, by: User) -> Booking:
    """
    Accept what a client asked for.

    Raises:
        Forbidden: not the trainer.
        WrongStatus: not pending.
    """
    return _move(booking, by, allowed=[Status.PENDING], to=Status.CONFIRMED)


def complete(*, booking: Booking, by: User) -> Booking:
    """
    Note that the session took place.

    Raises:
        Forbidden: not the trainer.
        WrongStatus: not confirmed, or it has not begun.
    """
    return _move(booking, by, allowed=[Status.CONFIRMED], to=Status.COMPLETED)


def mark_no_show(*, booking: Booking, by: User) -> Booking:
    """
    Note that the client did not come; it costs what a late cancellation does.

    Raises:
        Forbidden: not the trainer.
        WrongStatus: not confirmed, or it has not begun.
    """
    return _move(booking, by, allowed=[Status.CONFIRMED], to=Status.NO_SHOW)


@transaction.atomic
def cancel(*, booking: Booking, by: User) -> Booking:
    """
    Free the time; the policy holds for clients, a trainer cancels for nothing.

    Raises:
        WrongStatus: neither pending nor confirmed.
    """
    booking = _locked(booking)
    _require(booking, [Status.PENDING, Status.CONFIRMED], Status.CANCELLED)
    now = timezone.now()
    consequence = policy.FREE
    if booking.trainer.user_id != by.pk:
        consequence = policy.cancelled_by_client(
            _policy(booking.trainer),
            price_minor=booking.price_minor,
            starts_at=booking.starts_at,
            now=now,
        )
    if consequence.returns_session and booking.package_id:
        Package.objects.filter(
            pk=booking.package_id, sessions_left__lt=F("sessions_total")
        ).update(sessions_left=F("sessions_left") + 1)
    booking.status = Status.CANCELLED
    booking.cancelled_at = now
    booking.cancelled_by = by
    booking.cancellation_fee_minor = consequence.fee_minor
    booking.save()
    _tell("Booking cancelled", booking, Workflow.Trigger.BOOKING_CANCELLED)
    return booking


@transaction.atomic
def _move(
    booking: Booking, by: User, *, allowed: list[Booking.Status], to: Booking.Status
) -> Booking:
    booking = _locked(booking)
    if booking.trainer.user_id != by.pk:
        raise Forbidden("Only the trainer may do this.")
    _require(booking, allowed, to)
    if to in (Status.COMPLETED, Status.NO_SHOW) and booking.starts_at > timezone.now():
        raise WrongStatus("The session has not begun.")
    if to == Status.NO_SHOW:
        booking.cancellation_fee_minor = policy.late(
            _policy(booking.trainer), price_minor=booking.price_minor
        ).fee_minor
    booking.status = to
    booking.save(update_fields=["status", "cancellation_fee_minor"])
    _log(f"Booking {to.value.replace('_', ' ')}", booking)
    return booking


def _locked(booking: Booking) -> Booking:
    rows = Booking.objects.select_related("trainer", "client", "service")
    return rows.select_for_update(of=("self",)).get(pk=booking.pk)


def _require(
    booking: Booking, allowed: list[Booking.Status], to: Booking.Status
) -> None:
    if booking.status not in allowed:
        raise WrongStatus(
            f"The booking is {booking.status}; it cannot become {to.value}."
        )


def _policy(trainer: Trainer) -> policy.CancellationPolicy:
    return policy.CancellationPolicy(
        notice_hours=trainer.cancellation_notice_hours,
        late_percent=trainer.late_cancellation_percent,
    )


def _tell(event: str, booking: Booking, trigger: Workflow.Trigger) -> None:
    """Log it, count it, and start the trainer's workflows."""
    _log(event, booking)
    if trigger in HAPPENINGS:
        happenings.tell(HAPPENINGS[trigger])
    workflows.trigger(
        trainer=booking.trainer,
        event=trigger,
        subject=f"booking:{booking.pk}",
        context={
            "client_id": booking.client_id,
            "client_name": booking.client.full_name,
            "trainer_name": booking.trainer.business_name,
            "booking_id": booking.pk,
            "service_name": booking.service.name,
            "starts_at": booking.starts_at.astimezone(dt.UTC).isoformat(),
            "price_minor": booking.price_minor,
        },
    )


def _log(event: str, booking: Booking) -> None:
    logger.info(
        event,
        extra={
            "trainer_id": booking.trainer_id,
            "client_id": booking.client_id,
            "booking_id": booking.pk,
        },
    )
