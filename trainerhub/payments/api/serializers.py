"""How payments look in JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from trainerhub.api.filters import MAX_KEY
from trainerhub.payments.models import Payment

# What a database column of 32 bits holds.
MAX_AMOUNT_MINOR = 2**31 - 1
BY_HAND = [
    choice for choice in Payment.Method.choices if choice[0] != Payment.Method.STRIPE
]


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    """A payment as trainer and client see it."""

    class Meta:
        model = Payment
        fields = [
            "id",
            "trainer",
            "client",
            "booking",
            "amount_minor",
            "currency",
            "method",
            "status",
            "failure_code",
            "created_at",
            "paid_at",
        ]
        read_only_fields = fields


class RecordSerializer(serializers.Serializer[Any]):
    """Money that was taken by hand, for a booking or from a client."""

    booking = serializers.IntegerField(
        min_value=1, max_value=MAX_KEY, required=False, allow_null=True
    )
    client = serializers.IntegerField(
        min_value=1, max_value=MAX_KEY, required=False, allow_null=True
    )
    amount_minor = serializers.IntegerField(min_value=1, max_value=MAX_AMOUNT_MINOR)
    method = serializers.ChoiceField(choices=BY_HAND)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in ("booking", "client") if attrs.get(name) is not None]
        if len(named) != 1:
            raise serializers.ValidationError("Name either a booking or a client.")
        return attrs


class OpenCheckoutSerializer(serializers.Serializer[Any]):
    """What is to be paid."""

    booking = serializers.IntegerField(min_value=1, max_value=MAX_KEY)


class CheckoutSerializer(serializers.Serializer[Any]):
    """An open payment; Stripe's own script pays it with the secret."""

    payment = PaymentSerializer()
    client_secret = serializers.CharField()


class TakenSerializer(serializers.Serializer[Any]):
    """That an event of Stripe's has arrived."""

    received = serializers.BooleanField()
