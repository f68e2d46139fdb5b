"""How bookings look in JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trainerhub.api.fields import CalendarDateField, InstantField
from trainerhub.bookings.models import Booking

MAX_SUMMARY_DAYS = 366


class BookingSerializer(serializers.ModelSerializer[Booking]):
    """A booking as trainer and client see it."""

    trainer_name = serializers.CharField(source="trainer.business_name")
    client_name = serializers.CharField(source="client.full_name")
    service_name = serializers.CharField(source="service.name")

    class Meta:
        model = Booking
        fields = [
            "id",
            "trainer",
            "trainer_name",
            "client",
            "client_name",
            "service",
            "service_name",
            "package",
            "starts_at",
            "ends_at",
            "status",
            "price_minor",
            "currency",
            "message",
            "cancelled_at",
            "cancellation_fee_minor",
            "created_at",
        ]
        read_only_fields = fields


class BookSerializer(serializers.Serializer[Booking]):
    """What a booking needs; `client` from trainers only."""

    service = serializers.IntegerField(min_value=1)
    starts_at = InstantField()
    client = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    package = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    message = serializers.CharField(max_length=500, required=False, allow_blank=True)


class SummaryQuerySerializer(serializers.Serializer[Any]):
    """Which days are asked for, by the trainer's clock, both included."""

    to = CalendarDateField(required=False)

    def get_fields(self) -> dict[str, Any]:
        # `from` is a word of Python's own.
        return {**super().get_fields(), "from": CalendarDateField(required=False)}


class SummaryRowSerializer(serializers.Serializer[Any]):
    """One service in one week."""

    service = serializers.IntegerField()
    service_name = serializers.CharField(source="name")
    week = serializers.DateField(help_text="its Monday")
    currency = serializers.CharField()
    sessions = serializers.IntegerField(help_text="completed")
    upcoming = serializers.IntegerField(help_text="pending or confirmed")
    cancelled = serializers.IntegerField()
    no_shows = serializers.IntegerField()
    revenue_minor = serializers.IntegerField(help_text="completed sessions and fees")


class SummarySerializer(serializers.Serializer[Any]):
    """The report."""

    to = serializers.DateField()
    results = SummaryRowSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(), **super().get_fields()}
