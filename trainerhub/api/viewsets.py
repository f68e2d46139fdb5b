"""What the lists of a trainer's own things have in common."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.utils.functional import cached_property
from rest_framework import viewsets
from rest_framework.serializers import BaseSerializer

from trainerhub.api.authentication import current_user
from trainerhub.trainers import selectors
from trainerhub.trainers.models import Trainer

M = TypeVar("M", bound=Model)


class OwnedViewSet(viewsets.ModelViewSet[M]):
    """Rows with a `trainer`, shown to that trainer alone; to others they are 404."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    lookup_value_converter = "int"

    @cached_property
    def trainer(self) -> Trainer:
        """Whoever asks, as a trainer; a 403 for who is none."""
        return selectors.own_trainer(user=current_user(self.request))

    def get_queryset(self) -> QuerySet[M]:
        queryset = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset.none()
        return queryset.filter(trainer=self.trainer)

    def instance_of(self, serializer: BaseSerializer[M]) -> M:
        """The row that an update was asked for."""
        assert serializer.instance is not None  # noqa: S101 (REST framework sets it)
        return serializer.instance
