"""The addresses of payments."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from trainerhub.api.authentication import current_user
from trainerhub.bookings.models import Booking
from trainerhub.clients.models import Client
from trainerhub.payments import selectors, services, webhooks
from trainerhub.payments.api.filters import PaymentFilter
from trainerhub.payments.api.serializers import (
    CheckoutSerializer,
    OpenCheckoutSerializer,
    PaymentSerializer,
    RecordSerializer,
    TakenSerializer,
)
from trainerhub.payments.checkout import checkout
from trainerhub.payments.models import Payment
from trainerhub.trainers.models import Trainer
from trainerhub.trainers.selectors import own_trainer


class PaymentViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[Payment],
):
    """Payments: a trainer sees hers, a client his own."""

    queryset = Payment.objects.none()
    serializer_class = PaymentSerializer
    filterset_class = PaymentFilter
    ordering_fields = ["created_at", "paid_at", "amount_minor", "id"]
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Payment]:
        if getattr(self, "swagger_fake_view", False):
            return Payment.objects.none()
        return selectors.visible_to(current_user(self.request))

    @extend_schema(request=RecordSerializer, responses={201: PaymentSerializer})
    def create(self, request: Request) -> Response:
        """Record money that was taken by hand (trainer)."""
        trainer = own_trainer(user=current_user(request))
        form = RecordSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        payment = services.record(
            **payer(trainer, wanted),
            amount_minor=wanted["amount_minor"],
            method=Payment.Method(wanted["method"]),
        )
        return Response(PaymentSerializer(payment).data, status=201)

    @extend_schema(request=None, responses=PaymentSerializer)
    @action(detail=True, methods=["post"])
    def refund(self, request: Request, pk: int) -> Response:
        """Give all of it back (trainer)."""
        own = self.get_queryset().filter(
            trainer=own_trainer(user=current_user(request))
        )
        payment = services.refund(payment=get_object_or_404(own, pk=pk))
        return Response(PaymentSerializer(payment).data)

    @extend_schema(request=OpenCheckoutSerializer, responses={201: CheckoutSerializer})
    @action(detail=False, methods=["post"])
    def checkout(self, request: Request) -> Response:
        """Open an online payment of what is due for a booking."""
        form = OpenCheckoutSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        visible = selectors.bookings_visible_to(current_user(request))
        booking = get_object_or_404(visible, pk=form.validated_data["booking"])
        opened = checkout(booking=booking)
        return Response(CheckoutSerializer(opened).data, status=201)


def payer(trainer: Trainer, wanted: dict[str, Any]) -> dict[str, Any]:
    """Find the trainer's booking or client that was named."""
    if wanted.get("booking") is not None:
        bookings = Booking.objects.select_related("client__trainer")
        booking = get_object_or_404(bookings, trainer=trainer, pk=wanted["booking"])
        return {"booking": booking, "client": booking.client}
    clients = Client.objects.select_related("trainer")
    return {"client": get_object_or_404(clients, trainer=trainer, pk=wanted["client"])}


class StripeWebhookView(APIView):
    """Where Stripe tells of payments."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    @extend_schema(
        request={"application/json": {"type": "object"}},
        parameters=[
            OpenApiParameter("Stripe-Signature", location=OpenApiParameter.HEADER)
        ],
        responses=TakenSerializer,
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Take an event that Stripe has signed; the same one again changes nothing."""
        header = request.headers.get("Stripe-Signature")
        webhooks.take(webhooks.verified(request.body, header))
        return Response({"received": True})
