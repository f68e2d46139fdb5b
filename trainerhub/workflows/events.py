"""What happens to workflows' knowledge: the fields and words of each event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from trainerhub.lib.money import in_words
from trainerhub.trainers.models import Trainer
from trainerhub.workflows.models import Workflow

Trigger = Workflow.Trigger

ABOUT_BOOKINGS = frozenset(
    {Trigger.BOOKING_CREATED, Trigger.BOOKING_CANCELLED, Trigger.BOOKING_REMINDER}
)
# What these would still say is no longer true once the booking is cancelled.
END_WITH_THE_BOOKING = frozenset({Trigger.BOOKING_CREATED, Trigger.BOOKING_REMINDER})

_PEOPLE = frozenset({"client_name", "trainer_name"})


def placeholders(trigger: str) -> frozenset[str]:
    """Give the words that a text for this event may have."""
    if trigger in ABOUT_BOOKINGS:
        return _PEOPLE | {"service_name", "starts_at", "price"}
    if trigger == Trigger.PAYMENT_RECEIVED:
        return _PEOPLE | {"amount"}
    return _PEOPLE


def fields(trigger: str) -> frozenset[str]:
    """Give the fields that a condition for this event may ask about."""
    if trigger in ABOUT_BOOKINGS:
        return frozenset({"client_name", "service_name", "price_minor", "currency"})
    if trigger == Trigger.PAYMENT_RECEIVED:
        return frozenset({"client_name", "amount_minor", "currency", "method"})
    return frozenset({"client_name"})


def words(event: Mapping[str, Any], trainer: Trainer) -> dict[str, str]:
    """Say what happened, times by the trainer's clock."""
    said = {name: str(event[name]) for name in _PEOPLE if name in event}
    if "service_name" in event:
        said["service_name"] = str(event["service_name"])
    if "starts_at" in event:
        said["starts_at"] = _by_the_clock(event["starts_at"], trainer.time_zone)
    for name in ("price", "amount"):
        if f"{name}_minor" in event:
            said[name] = in_words(event[f"{name}_minor"], event["currency"])
    return said


def _by_the_clock(instant: str, time_zone: str) -> str:
    local = dt.datetime.fromisoformat(instant).astimezone(ZoneInfo(time_zone))
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M}"
