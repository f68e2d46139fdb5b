"""How trainers, services and hours look in JSON."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rest_framework import serializers

from trainerhub.api.fields import (
    CalendarDateField,
    CurrencyField,
    InstantField,
    PriceField,
    TimeZoneField,
    WallTimeField,
)
from trainerhub.trainers.models import (
    Availability,
    AvailabilityException,
    Service,
    Trainer,
)

MAX_SLOT_DAYS = 31
PUBLIC = [
    "id",
    "business_name",
    "bio",
    "city",
    "time_zone",
    "currency",
    "cancellation_notice_hours",
    "late_cancellation_percent",
]


class TrainerSerializer(serializers.ModelSerializer[Trainer]):
    """A trainer as clients see her: nothing personal."""

    class Meta:
        model = Trainer
        fields = PUBLIC


class OwnTrainerSerializer(serializers.ModelSerializer[Trainer]):
    """One's own profile."""

    time_zone = TimeZoneField(required=False)
    currency = CurrencyField(required=False)

    class Meta:
        model = Trainer
        fields = [*PUBLIC, "payment_method", "is_listed", "created_at"]
        read_only_fields = ["created_at"]


class ServiceSerializer(serializers.ModelSerializer[Service]):
    """A service and its price."""

    price_minor = PriceField(help_text="in the minor unit: 4500 is £45.00")
    currency = serializers.CharField(source="trainer.currency", read_only=True)

    class Meta:
        model = Service
        fields = [
            "id",
            "name",
            "description",
            "duration_minutes",
            "price_minor",
            "currency",
            "is_active",
        ]


def require_order(opens: dt.time | None, closes: dt.time | None) -> None:
    if opens is not None and closes is not None and closes <= opens:
        raise serializers.ValidationError({"closes": "Closing must follow opening."})


class AvailabilitySerializer(serializers.ModelSerializer[Availability]):
    """A weekday's hours by the trainer's clock; 0 is Monday."""

    opens = WallTimeField()
    closes = WallTimeField()

    class Meta:
        model = Availability
        fields = ["id", "weekday", "opens", "closes"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        merged = {
            name: attrs.get(name, getattr(self.instance, name, None))
            for name in ("opens", "closes")
        }
        require_order(**merged)
        return attrs


class AvailabilityExceptionSerializer(
    serializers.ModelSerializer[AvailabilityException]
):
    """A date's own hours; without hours it is a day off."""

    date = CalendarDateField()
    opens = WallTimeField(required=False, allow_null=True)
    closes = WallTimeField(required=False, allow_null=True)

    class Meta:
        model = AvailabilityException
        fields = ["id", "date", "opens", "closes", "reason"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        opens, closes = (
            attrs.get(name, getattr(self.instance, name, None))
            for name in ("opens", "closes")
        )
        if (opens is None) != (closes is None):
            raise serializers.ValidationError(
                {"closes": "Give both hours, or none for a day off."}
            )
        require_order(opens, closes)
        return attrs


class SlotQuerySerializer(serializers.Serializer[Any]):
    """Which slots are asked for; `from` and `to` are the trainer's dates."""

    service = serializers.IntegerField(min_value=1)
    to = CalendarDateField()

    def get_fields(self) -> dict[str, Any]:
        # `from` is a word of Python's own.
        return {**super().get_fields(), "from": CalendarDateField()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        days = (attrs["to"] - attrs["from"]).days + 1
        if not 1 <= days <= MAX_SLOT_DAYS:
            raise serializers.ValidationError(
                {"to": f"Ask for 1 to {MAX_SLOT_DAYS} days, `to` included."}
            )
        return attrs


class SlotSerializer(serializers.Serializer[Any]):
    """A time that can be booked."""

    starts_at = InstantField()
    ends_at = InstantField()


class SlotListSerializer(serializers.Serializer[Any]):
    """All the slots that were asked for, in order."""

    results = SlotSerializer(many=True)
