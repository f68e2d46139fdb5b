"""The addresses of bookings, free slots and the report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from trainerhub.api.authentication import current_user
from trainerhub.bookings import selectors, services
from trainerhub.bookings.api.filters import BookingFilter
from trainerhub.bookings.api.serializers import (
    MAX_SUMMARY_DAYS,
    BookingSerializer,
    BookSerializer,
    SummaryQuerySerializer,
    SummarySerializer,
)
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client, Package
from trainerhub.lib.refusals import Invalid
from trainerhub.trainers.api.serializers import (
    SlotListSerializer,
    SlotQuerySerializer,
)
from trainerhub.trainers.models import Service, Trainer
from trainerhub.trainers.selectors import active_services, own_trainer, visible_to

M = TypeVar("M", bound=Model)

DEFAULT_SUMMARY = dt.timedelta(weeks=12)
DAYS = [
    OpenApiParameter("from", OpenApiTypes.DATE, description="the first day"),
    OpenApiParameter("to", OpenApiTypes.DATE, description="the last day"),
]


class BookingViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[Booking],
):
    """Sessions: a trainer sees hers, a client his own."""

    queryset = Booking.objects.none()
    serializer_class = BookingSerializer
    filterset_class = BookingFilter
    ordering_fields = ["starts_at", "created_at", "price_minor", "id"]
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Booking]:
        if getattr(self, "swagger_fake_view", False):
            return Booking.objects.none()
        return selectors.visible_to(current_user(self.request))

    @extend_schema(request=BookSerializer, responses={201: BookingSerializer})
    def create(self, request: Request) -> Response:
        """Book a session: as the trainer for a client, or for oneself."""
        form = BookSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        booking = book(user=current_user(request), wanted=form.validated_data)
        return Response(BookingSerializer(booking).data, status=201)

    @extend_schema(request=None, responses=BookingSerializer)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: int) -> Response:
        """Accept what a client asked for (trainer)."""
        return self._change(services.confirm)

    @extend_schema(request=None, responses=BookingSerializer)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: int) -> Response:
        """Note that the session took place (trainer)."""
        return self._change(services.complete)

    @extend_schema(request=None, responses=BookingSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Free the time; a client's late cancellation costs a fee."""
        return self._change(services.cancel)

    @extend_schema(request=None, responses=BookingSerializer)
    @action(detail=True, methods=["post"], url_path="no-show")
    def no_show(self, request: Request, pk: int) -> Response:
        """Note that the client did not come (trainer)."""
        return self._change(services.mark_no_show)

    def _change(self, service: Callable[..., Booking]) -> Response:
        booking = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        booking = service(booking=booking, by=current_user(self.request))
        return Response(BookingSerializer(booking).data)


def book(*, user: Any, wanted: dict[str, Any]) -> Booking:
    """Find what the numbers mean for this user, and book it."""
    service = find(
        Service.objects.select_related("trainer").filter(
            is_active=True, trainer__in=visible_to(user)
        ),
        wanted["service"],
        "service",
    )
    options = {"starts_at": wanted["starts_at"], "message": wanted.get("message", "")}
    client_id, package_id = wanted.get("client"), wanted.get("package")
    if service.trainer.user_id != user.pk:
        if client_id is not None:
            raise Invalid("Only trainers book for others.", field="client")
        return services.book_for_oneself(
            user=user, service=service, package_id=package_id, **options
        )
    if client_id is None:
        raise Invalid("Say for which client.", field="client")
    clients = Client.objects.filter(trainer=service.trainer, is_active=True)
    client = find(clients, client_id, "client")
    package = None
    if package_id is not None:
        package = find(Package.objects.filter(client=client), package_id, "package")
    return services.book_for_client(
        trainer=service.trainer,
        client=client,
        service=service,
        package=package,
        **options,
    )


def find(rows: QuerySet[M], pk: int, field: str) -> M:
    """Give the row, or refuse the field: to a stranger it does not exist."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Invalid(f"There is no such {field}.", field=field)
    return row


class SlotView(APIView):
    """When a service can be booked."""

    @extend_schema(
        parameters=[
            OpenApiParameter("service", int, required=True),
            OpenApiParameter("from", OpenApiTypes.DATE, required=True),
            OpenApiParameter("to", OpenApiTypes.DATE, required=True),
        ],
        responses=SlotListSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        trainer: Trainer = get_object_or_404(visible_to(current_user(request)), pk=pk)
        form = SlotQuerySerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        offered = active_services(trainer_id=trainer.pk).select_related("trainer")
        free = selectors.free_slots(
            service=find(offered, wanted["service"], "service"),
            first=wanted["from"],
            last=wanted["to"],
        )
        return Response(SlotListSerializer({"results": free}).data)


class SummaryView(APIView):
    """Sessions and revenue per service and week."""

    @extend_schema(parameters=DAYS, responses=SummarySerializer)
    def get(self, request: Request) -> Response:
        trainer = own_trainer(user=current_user(request))
        first, last = summary_days(request, trainer)
        rows = selectors.summary(trainer=trainer, first=first, last=last)
        report = {"from": first, "to": last, "results": rows}
        return Response(SummarySerializer(report).data)


def summary_days(request: Request, trainer: Trainer) -> tuple[dt.date, dt.date]:
    """Read the days; by default the twelve weeks until today."""
    form = SummaryQuerySerializer(data=request.query_params)
    form.is_valid(raise_exception=True)
    today = timezone.now().astimezone(ZoneInfo(trainer.time_zone)).date()
    last = form.validated_data.get("to", today)
    first = form.validated_data.get("from", last - DEFAULT_SUMMARY)
    if not 0 <= (last - first).days < MAX_SUMMARY_DAYS:
        raise Invalid(f"Ask for 1 to {MAX_SUMMARY_DAYS} days.", field="to")
    return first, last
