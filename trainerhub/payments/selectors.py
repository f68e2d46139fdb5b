"""Which payments somebody may see, and what is still due."""

from __future__ import annotations

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from trainerhub.accounts.models import User
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client
from trainerhub.payments.models import Payment

# These cost what the cancellation policy says instead of their price.
COST_A_FEE = frozenset({Booking.Status.CANCELLED, Booking.Status.NO_SHOW})


def visible_to(user: User) -> QuerySet[Payment]:
    """A trainer's payments, and those that the user made as a client."""
    return Payment.objects.filter(Q(trainer__user=user) | Q(client__user=user))


def bookings_visible_to(user: User) -> QuerySet[Booking]:
    """The bookings that the user gave or made."""
    rows = Booking.objects.select_related("trainer", "client")
    return rows.filter(Q(trainer__user=user) | Q(client__user=user))


def due_for_booking(booking: Booking) -> int:
    """
    What is to be paid for one session yet, in minor units of its currency.

    Never more than the client owes in all: he may have paid without naming it.
    """
    paid = _paid(Payment.objects.filter(booking=booking, currency=booking.currency))
    due = max(0, charge(booking) - paid)
    return min(due, due_from_client(booking.client, booking.currency)) if due else 0


def due_from_client(client: Client, currency: str) -> int:
    """What a client is to pay yet for sessions and packages, in minor units."""
    paid = Sum("payments__amount_minor", filter=_counts("payments__"))
    bookings = client.bookings.filter(currency=currency)
    sessions: int = sum(
        max(0, charge(booking) - booking.paid_minor)
        for booking in bookings.annotate(paid_minor=Coalesce(paid, 0))
    )
    bought = client.packages.filter(currency=currency)
    packages: int = bought.aggregate(total=Coalesce(Sum("price_minor"), 0))["total"]
    unnamed = _paid(client.payments.filter(booking=None, currency=currency))
    return max(0, sessions + packages - unnamed)


def charge(booking: Booking) -> int:
    """What a session costs as things are, in minor units."""
    if booking.status in COST_A_FEE:
        return booking.cancellation_fee_minor
    # The package was paid for when it was bought.
    return 0 if booking.package_id else booking.price_minor


def _paid(payments: QuerySet[Payment]) -> int:
    total = payments.filter(_counts()).aggregate(
        total=Coalesce(Sum("amount_minor"), 0)
    )["total"]
    return int(total)


def _counts(path: str = "") -> Q:
    return Q(**{f"{path}status": Payment.Status.PAID})
