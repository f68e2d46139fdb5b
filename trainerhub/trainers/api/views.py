"""The addresses of trainers, their services and their hours."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from trainerhub.api.authentication import current_user
from trainerhub.api.pagination import PageNumberPagination
from trainerhub.api.viewsets import OwnedViewSet
from trainerhub.trainers import selectors, services
from trainerhub.trainers.api.serializers import (
    AvailabilityExceptionSerializer,
    AvailabilitySerializer,
    OwnTrainerSerializer,
    ServiceSerializer,
    TrainerSerializer,
)
from trainerhub.trainers.models import (
    Availability,
    AvailabilityException,
    Service,
    Trainer,
)


class TrainerFilter(filters.FilterSet):  # type: ignore[misc]
    """`?city=` whole, whatever its case; `?search=` within the name."""

    city = filters.CharFilter(lookup_expr="iexact", max_length=80)
    search = filters.CharFilter(
        field_name="business_name", lookup_expr="icontains", max_length=120
    )

    class Meta:
        model = Trainer
        fields = ["city", "search"]


class TrainerViewSet(viewsets.ReadOnlyModelViewSet[Trainer]):
    """Find a trainer."""

    queryset = Trainer.objects.none()
    serializer_class = TrainerSerializer
    filterset_class = TrainerFilter
    ordering_fields = ["business_name", "city", "id"]
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Trainer]:
        if getattr(self, "swagger_fake_view", False):
            return Trainer.objects.none()
        if self.action == "list":
            return selectors.listed()
        return selectors.visible_to(current_user(self.request))

    @extend_schema(responses=ServiceSerializer(many=True), filters=False)
    @action(detail=True, filterset_class=None, ordering_fields=["id"])
    def services(self, request: Request, pk: int) -> Response:
        """The services that can be booked with the trainer."""
        trainer: Trainer = get_object_or_404(self.get_queryset(), pk=pk)
        offered = selectors.active_services(trainer_id=trainer.pk)
        pages = PageNumberPagination()
        page = pages.paginate_queryset(offered.select_related("trainer"), request)
        form = ServiceSerializer(page or [], many=True)
        return pages.get_paginated_response(form.data)


class OwnTrainerView(APIView):
    """One's own trainer profile."""

    @extend_schema(responses=OwnTrainerSerializer)
    def get(self, request: Request) -> Response:
        trainer = selectors.own_trainer(user=current_user(request))
        return Response(OwnTrainerSerializer(trainer).data)

    @extend_schema(request=OwnTrainerSerializer, responses={201: OwnTrainerSerializer})
    def post(self, request: Request) -> Response:
        form = OwnTrainerSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        trainer = services.create_profile(
            user=current_user(request), **form.validated_data
        )
        return Response(OwnTrainerSerializer(trainer).data, status=201)

    @extend_schema(request=OwnTrainerSerializer, responses=OwnTrainerSerializer)
    def patch(self, request: Request) -> Response:
        trainer = selectors.own_trainer(user=current_user(request))
        form = OwnTrainerSerializer(trainer, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        services.update_profile(trainer=trainer, **form.validated_data)
        return Response(OwnTrainerSerializer(trainer).data)


class ServiceViewSet(OwnedViewSet[Service]):
    """What one offers."""

    queryset = Service.objects.select_related("trainer")
    serializer_class = ServiceSerializer
    filterset_fields = ["is_active"]
    ordering_fields = ["name", "price_minor", "duration_minutes", "id"]

    def perform_create(self, serializer: BaseSerializer[Service]) -> None:
        serializer.instance = services.create_service(
            trainer=self.trainer, **serializer.validated_data
        )

    def perform_update(self, serializer: BaseSerializer[Service]) -> None:
        services.update_service(
            service=self.instance_of(serializer), **serializer.validated_data
        )

    def perform_destroy(self, instance: Service) -> None:
        services.delete_service(service=instance)


class AvailabilityViewSet(OwnedViewSet[Availability]):
    """When one works, week by week."""

    queryset = Availability.objects.all()
    serializer_class = AvailabilitySerializer
    filterset_fields = ["weekday"]
    ordering_fields = ["weekday", "opens", "id"]

    def perform_create(self, serializer: BaseSerializer[Availability]) -> None:
        serializer.instance = services.create_availability(
            trainer=self.trainer, **serializer.validated_data
        )

    def perform_update(self, serializer: BaseSerializer[Availability]) -> None:
        services.update_availability(
            availability=self.instance_of(serializer), **serializer.validated_data
        )


class AvailabilityExceptionViewSet(OwnedViewSet[AvailabilityException]):
    """The dates on which one works otherwise, or not."""

    queryset = AvailabilityException.objects.all()
    serializer_class = AvailabilityExceptionSerializer
    ordering_fields = ["date", "id"]

    def perform_create(self, serializer: BaseSerializer[AvailabilityException]) -> None:
        serializer.instance = services.create_exception(
            trainer=self.trainer, **serializer.validated_data
        )

    def perform_update(self, serializer: BaseSerializer[AvailabilityException]) -> None:
        services.update_exception(
            exception=self.instance_of(serializer), **serializer.validated_data
        )
