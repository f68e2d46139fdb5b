"""Fill an empty TrainerHub with a dozen trainers and their past and coming weeks."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import models, transaction
from django.utils import timezone

from trainerhub.accounts.models import User
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client, Note, Package
from trainerhub.demo import diary, names, statuses
from trainerhub.demo.logins import EMAILS, Login
from trainerhub.payments.models import Payment
from trainerhub.trainers.models import (
    Availability,
    AvailabilityException,
    Service,
    Trainer,
)
from trainerhub.workflows import services as workflows

SEED = 20240115
CLIENTS_A_TRAINER = 30
JOINED_DAYS_AGO = 400
# Ofcom keeps 07700 900000 to 900999 for drama: nobody can be called by mistake.
FICTIONAL_PHONES = 1000


@dataclass(slots=True)
class Draft:
    """What is going to be stored, in the order in which it must be."""

    chance: random.Random
    now: dt.datetime
    passwords: dict[str, str]
    used_emails: set[str] = field(default_factory=lambda: set(EMAILS.values()))


def is_seeded() -> bool:
    """Whether the demo data is there."""
    return User.objects.filter(email=EMAILS["staff"]).exists()


def seed(logins: dict[str, Login], now: dt.datetime | None = None) -> bool:
    """
    Create the demo data unless it is there; say whether it was created.

    The same day gives the same data: only passwords and ids may differ.
    """
    with transaction.atomic():
        if is_seeded():
            return False
        draft = Draft(
            random.Random(SEED),  # noqa: S311 (demo data, not a secret)
            now or timezone.now(),
            {kind: make_password(login.password) for kind, login in logins.items()},
        )
        add_staff(draft)
        for position in range(len(names.TRAINERS)):
            add_trainer(draft, position)
    return True


def change_passwords(logins: dict[str, Login]) -> None:
    """Give the demo's people other passwords, when the file with them was lost."""
    for login in logins.values():
        User.objects.filter(email=login.email).update(
            password=make_password(login.password)
        )


def add_staff(draft: Draft) -> None:
    User.objects.create(
        email=EMAILS["staff"],
        full_name="Sam Staff",
        is_staff=True,
        is_superuser=True,
        password=draft.passwords["staff"],
        joined_at=draft.now - dt.timedelta(days=JOINED_DAYS_AGO),
    )


def add_trainer(draft: Draft, position: int) -> None:
    """Create one trainer with everything that is hers."""
    name, business, city, subject = names.TRAINERS[position]
    about = person(draft, name)
    if position == 0:
        about["email"] = EMAILS["trainer"]
    user = User.objects.create(**about, password=draft.passwords["trainer"])
    # Three in a dozen never set up payment: checkout tells them so.
    method = Trainer.PaymentMethod
    trainer = Trainer.objects.create(
        user=user,
        business_name=business,
        city=city,
        bio=names.BIOS[subject],
        payment_method=[method.MANUAL, method.STRIPE, method.MANUAL, method.NONE][
            position % 4
        ],
        created_at=user.joined_at,
    )
    offered = add_services(trainer, subject)
    hours, closed = add_hours(draft, trainer)
    clients = add_clients(draft, trainer, is_first=position == 0)
    add_notes(draft, clients)
    packages = add_packages(draft, clients)
    taken = diary.sessions(
        draft.chance,
        hours,
        [service.duration_minutes for service in offered],
        trainer.time_zone,
        timezone.localdate(draft.now),
        closed,
    )
    add_bookings(draft, trainer, offered, clients, packages, taken)
    create_defaults = getattr(workflows, "create_defaults", None)
    if create_defaults is not None:
        create_defaults(trainer=trainer)


def person(draft: Draft, name: str) -> dict[str, Any]:
    """Draw what an account needs; the address is unique."""
    return {
        "full_name": name,
        "email": address(draft, name),
        "phone": f"+447700900{draft.chance.randrange(FICTIONAL_PHONES):03}",
        "joined_at": draft.now
        - dt.timedelta(days=draft.chance.randint(diary.PAST_DAYS + 1, JOINED_DAYS_AGO)),
    }


def address(draft: Draft, name: str) -> str:
    plain = name.lower().replace(" ", ".")
    number, found = 1, f"{plain}@example.com"
    while found in draft.used_emails:
        number += 1
        found = f"{plain}{number}@example.com"
    draft.used_emails.add(found)
    return found


def add_services(trainer: Trainer, subject: str) -> list[Service]:
    return Service.objects.bulk_create(
        Service(trainer=trainer, name=name, duration_minutes=minutes, price_minor=price)
        for name, minutes, price in names.SERVICES[subject]
    )


def add_hours(
    draft: Draft, trainer: Trainer
) -> tuple[dict[int, tuple[dt.time, dt.time]], frozenset[dt.date]]:
    """Store a week's hours and two days off; give both."""
    hours = diary.week(draft.chance)
    Availability.objects.bulk_create(
        Availability(trainer=trainer, weekday=weekday, opens=opens, closes=closes)
        for weekday, (opens, closes) in hours.items()
    )
    today = timezone.localdate(draft.now)
    offsets = draft.chance.sample(range(-diary.PAST_DAYS, diary.COMING_DAYS), 2)
    closed = frozenset(today + dt.timedelta(days=offset) for offset in offsets)
    AvailabilityException.objects.bulk_create(
        AvailabilityException(trainer=trainer, date=date, reason="Day off")
        for date in sorted(closed)
    )
    return hours, closed


def add_clients(draft: Draft, trainer: Trainer, *, is_first: bool) -> list[Client]:
    """Create a trainer's clients; every fourth has a log-in."""
    people = [person(draft, full_name(draft)) for _ in range(CLIENTS_A_TRAINER)]
    if is_first:
        people[0] |= {"full_name": "Chris Client", "email": EMAILS["client"]}
    users = User.objects.bulk_create(
        User(**fields, password=draft.passwords["client"]) for fields in people[::4]
    )
    user_of = {user.email: user for user in users}
    return Client.objects.bulk_create(
        Client(
            trainer=trainer,
            user=user_of.get(fields["email"]),
            full_name=fields["full_name"],
            email=fields["email"],
            phone=fields["phone"],
            created_at=max(fields["joined_at"], trainer.created_at),
        )
        for fields in people
    )


def full_name(draft: Draft) -> str:
    choose = draft.chance.choice
    return f"{choose(names.FIRST_NAMES)} {choose(names.LAST_NAMES)}"


def add_notes(draft: Draft, clients: list[Client]) -> None:
    Note.objects.bulk_create(
        Note(
            client=client,
            body=draft.chance.choice(names.NOTES),
            created_at=moment(draft, client.created_at, draft.now),
        )
        for client in clients
        if draft.chance.random() < 0.4
    )


def moment(draft: Draft, after: dt.datetime, before: dt.datetime) -> dt.datetime:
    """Draw an instant between two, to the second."""
    seconds = max(0, int((before - after).total_seconds()))
    return after + dt.timedelta(seconds=draft.chance.randint(0, seconds))


def add_packages(draft: Draft, clients: list[Client]) -> dict[int, Package]:
    """Sell ten sessions ahead to every third client; give them by the client's id."""
    packages = Package.objects.bulk_create(
        Package(
            client=client,
            name="Ten sessions",
            sessions_total=10,
            sessions_left=10,
            price_minor=38000,
            currency=client.trainer.currency,
            created_at=draft.now - dt.timedelta(days=diary.PAST_DAYS),
            expires_on=timezone.localdate(draft.now) + dt.timedelta(days=180),
        )
        for client in clients[1::3]
    )
    return {package.client_id: package for package in packages}


def add_bookings(
    draft: Draft,
    trainer: Trainer,
    offered: list[Service],
    clients: list[Client],
    packages: dict[int, Package],
    taken: Iterable[diary.Session],
) -> None:
    """Turn a diary into bookings, use up packages, and pay for what was done."""
    bookings = []
    for session in taken:
        client = draft.chance.choice(clients)
        booking = new_booking(draft, trainer, offered[session.service], client, session)
        use_package(booking, packages.get(client.pk))
        bookings.append(booking)
    Package.objects.bulk_update(packages.values(), ["sessions_left"])
    Booking.objects.bulk_create(bookings, batch_size=500)
    add_payments(draft, trainer, bookings, packages.values())


def new_booking(
    draft: Draft,
    trainer: Trainer,
    service: Service,
    client: Client,
    session: diary.Session,
) -> Booking:
    booked_at = session.starts_at - dt.timedelta(hours=draft.chance.randint(4, 240))
    booking = Booking(
        trainer=trainer,
        client=client,
        service=service,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        price_minor=service.price_minor,
        currency=trainer.currency,
        created_at=min(booked_at, draft.now - dt.timedelta(minutes=5)),
        status=statuses.draw(
            draft.chance, session.starts_at, session.ends_at, draft.now
        ),
    )
    if draft.chance.random() < 0.1:
        booking.message = draft.chance.choice(names.MESSAGES)
    if booking.status == Booking.Status.CANCELLED:
        cancel(draft, booking)
    return booking


def cancel(draft: Draft, booking: Booking) -> None:
    """Say when it was cancelled, by whom, and what the notice given costs."""
    booking.cancelled_at = moment(
        draft, booking.created_at, min(booking.starts_at, draft.now)
    )
    booking.cancelled_by = booking.client.user or booking.trainer.user
    notice = dt.timedelta(hours=booking.trainer.cancellation_notice_hours)
    is_late = booking.starts_at - booking.cancelled_at < notice
    if is_late and booking.cancelled_by == booking.client.user:
        percent = booking.trainer.late_cancellation_percent
        booking.cancellation_fee_minor = booking.price_minor * percent // 100


def use_package(booking: Booking, package: Package | None) -> None:
    is_free = booking.status == Booking.Status.CANCELLED
    if package is not None and package.sessions_left and not is_free:
        booking.package = package
        package.sessions_left -= 1


def add_payments(
    draft: Draft,
    trainer: Trainer,
    bookings: list[Booking],
    packages: Iterable[Package],
) -> None:
    """Pay for packages, and for nine in ten of the completed sessions without one."""
    if trainer.payment_method == Trainer.PaymentMethod.NONE:
        return
    payments = [payment_for(draft, trainer, package) for package in packages]
    payments += [
        payment_for(draft, trainer, booking)
        for booking in bookings
        if booking.status == Booking.Status.COMPLETED
        and booking.package is None
        and draft.chance.random() < 0.9
    ]
    Payment.objects.bulk_create(payments, batch_size=500)


def payment_for(draft: Draft, trainer: Trainer, bought: Booking | Package) -> Payment:
    by_hand = [Payment.Method.CARD, Payment.Method.CARD, Payment.Method.BANK_TRANSFER]
    is_stripe = trainer.payment_method == Trainer.PaymentMethod.STRIPE
    paid_at = bought.ends_at if isinstance(bought, Booking) else bought.created_at
    return Payment(
        trainer=trainer,
        client=bought.client,
        booking=bought if isinstance(bought, Booking) else None,
        amount_minor=bought.price_minor,
        currency=bought.currency,
        method=Payment.Method.STRIPE if is_stripe else draft.chance.choice(by_hand),
        status=Payment.Status.PAID,
        provider_reference=reference(bought) if is_stripe else "",
        created_at=paid_at,
        paid_at=paid_at,
    )


def reference(bought: models.Model) -> str:
    return f"pi_demo_{bought._meta.model_name}_{bought.pk}"
