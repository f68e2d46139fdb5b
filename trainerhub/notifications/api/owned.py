"""Whose things are shown: each trainer's own, and to others they do not exist."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django_filters import rest_framework as filters
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from trainerhub.accounts.models import User
from trainerhub.trainers.models import Trainer

# A larger number fits no column, and SQLite would fail on it.
MAX_KEY = 2**63 - 1


def current_user(request: Request) -> User:
    """The user that the view's permissions made sure of."""
    return cast(User, request.user)


def own_trainer(request: Request) -> Trainer:
    """Whoever asks, as a trainer; a 403 for who is none."""
    trainer = Trainer.objects.filter(user=current_user(request)).first()
    if trainer is None:
        raise PermissionDenied(
            "Only trainers may do this; create a profile first.",
            code="trainer_required",
        )
    return trainer


class KeyFilter(filters.Filter):  # type: ignore[misc]
    """The number of a row: NumberFilter would take fractions too."""

    field_class = forms.IntegerField

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_KEY, **options)
