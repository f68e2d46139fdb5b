"""How a list of payments is narrowed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django_filters import rest_framework as filters

from trainerhub.api.filters import KeyFilter
from trainerhub.payments.models import Payment

# Arithmetic on them never leaves the calendar.
DAYS = [
    MinValueValidator(dt.date(2000, 1, 1)),
    MaxValueValidator(dt.date(2100, 12, 31)),
]


def day(method: str, help_text: str) -> filters.DateFilter:
    return filters.DateFilter(method=method, help_text=help_text, validators=DAYS)


class PaymentFilter(filters.FilterSet):  # type: ignore[misc]
    """By state, method, client, booking, and by day in UTC."""

    client = KeyFilter(field_name="client_id")
    booking = KeyFilter(field_name="booking_id")
    to = day("until", "the last day, in UTC")

    class Meta:
        model = Payment
        fields = ["status", "method", "client", "booking"]

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        # `from` is a word of Python's own.
        return {**super().get_filters(), "from": day("since", "the first day, in UTC")}

    def since(
        self, queryset: QuerySet[Payment], name: str, value: dt.date
    ) -> QuerySet[Payment]:
        return queryset.filter(created_at__gte=midnight(value))

    def until(
        self, queryset: QuerySet[Payment], name: str, value: dt.date
    ) -> QuerySet[Payment]:
        return queryset.filter(created_at__lt=midnight(value + dt.timedelta(days=1)))


def midnight(date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), dt.UTC)
