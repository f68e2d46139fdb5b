"""Serializer fields with the limits that the databases and calendars have."""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

# A million in most currencies, and far from what sums of 64 bits can hold.
MAX_PRICE_MINOR = 100_000_000
FIRST_DATE = dt.date(2000, 1, 1)
LAST_DATE = dt.date(2100, 12, 31)


@functools.cache
def time_zones() -> frozenset[str]:
    """List the zones that this machine knows, once: it reads a directory."""
    return frozenset(zoneinfo.available_timezones())


class TimeZoneField(serializers.CharField):
    """The name of a time zone, such as Europe/London."""

    default_error_messages = {
        "unknown": "There is no such time zone; give a name such as Europe/London."
    }

    def to_internal_value(self, data: Any) -> str:
        name: str = super().to_internal_value(data)
        if name not in time_zones():
            self.fail("unknown")
        return name


class CurrencyField(serializers.CharField):
    """Three capital letters, as in ISO 4217."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        message = "Give a currency's three capital letters, such as GBP."
        self.validators.append(RegexValidator(r"^[A-Z]{3}\Z", message))


class CalendarDateField(serializers.DateField):
    """A date of this century: day arithmetic on it never overflows."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators += [MinValueValidator(FIRST_DATE), MaxValueValidator(LAST_DATE)]


@extend_schema_field({"type": "string", "example": "09:00:00"})
class WallTimeField(serializers.TimeField):
    """A time on the wall clock; OpenAPI's own `time` would need an offset."""


class PriceField(serializers.IntegerField):
    """An amount in minor units."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=MAX_PRICE_MINOR, **options)


class InstantField(serializers.DateTimeField):
    """An instant in UTC; given without an offset it would be a guess, so it is refused."""

    default_error_messages = {
        "naive": "Give the offset from UTC, as in 2030-01-31T09:00:00Z."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=dt.UTC, **options)

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value)
