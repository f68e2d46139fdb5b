"""What has become of a booking by now."""

from __future__ import annotations

import datetime as dt
import random

from trainerhub.bookings.models import Booking

# (status, share); what remains of 1 is the last one.
PAST = [
    (Booking.Status.CANCELLED, 0.09),
    (Booking.Status.NO_SHOW, 0.04),
    (Booking.Status.COMPLETED, 1.0),
]
COMING = [
    (Booking.Status.CANCELLED, 0.07),
    (Booking.Status.PENDING, 0.18),
    (Booking.Status.CONFIRMED, 1.0),
]


def draw(
    chance: random.Random,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    now: dt.datetime,
) -> Booking.Status:
    """Draw a status that is possible: nothing is completed before it has ended."""
    if starts_at <= now < ends_at:
        return Booking.Status.CONFIRMED
    drawn = chance.random()
    for status, share in PAST if ends_at <= now else COMING:
        if drawn < share:
            return status
        drawn -= share
    raise AssertionError("the last share is 1")
