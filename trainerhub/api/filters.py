"""How a list is narrowed by the number of something."""

from __future__ import annotations

from typing import Any

from django import forms
from django_filters import rest_framework as filters

# A larger number fits no column, and SQLite would fail on it.
MAX_KEY = 2**63 - 1


class KeyFilter(filters.Filter):  # type: ignore[misc]
    """The number of a row: NumberFilter would take fractions too."""

    field_class = forms.IntegerField

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_KEY, **options)
