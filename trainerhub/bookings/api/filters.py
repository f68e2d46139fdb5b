"""How a list of bookings is narrowed."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django_filters import rest_framework as filters

from trainerhub.api.fields import FIRST_DATE, LAST_DATE
from trainerhub.api.filters import KeyFilter
from trainerhub.bookings.models import Booking
from trainerhub.bookings.selectors import midnight
from trainerhub.lib.slots import ONE_DAY

UTC = ZoneInfo("UTC")
VALIDATORS = [MinValueValidator(FIRST_DATE), MaxValueValidator(LAST_DATE)]


def day(method: str, help_text: str) -> filters.DateFilter:
    return filters.DateFilter(method=method, help_text=help_text, validators=VALIDATORS)


class BookingFilter(filters.FilterSet):  # type: ignore[misc]
    """By state, by who and what, and by day in UTC."""

    client = KeyFilter(field_name="client_id")
    service = KeyFilter(field_name="service_id")
    to = day("starting_until", "the last day, in UTC")

    class Meta:
        model = Booking
        fields = ["status"]

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        # `from` is a word of Python's own.
        first = day("starting_from", "the first day, in UTC")
        return {**super().get_filters(), "from": first}

    def starting_from(
        self, queryset: QuerySet[Booking], name: str, value: dt.date
    ) -> QuerySet[Booking]:
        return queryset.filter(starts_at__gte=midnight(value, UTC))

    def starting_until(
        self, queryset: QuerySet[Booking], name: str, value: dt.date
    ) -> QuerySet[Booking]:
        return queryset.filter(starts_at__lt=midnight(value + ONE_DAY, UTC))
